// One thread for each result, eight by eight to a group: the definition.
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let i = group.y * 8u + lane / 8u;
    let j = group.x * 8u + lane % 8u;
    if (i >= size_m() || j >= args.n) {
        return;
    }
    let end = min(size_k(), (group.z + 1u) * args.part);
    var sum = 0.0;
    for (var k = group.z * args.part; k < end; k++) {
        sum += load_a(i, k) * load_b(k, j);
    }
    store(group.z, i, j, sum);
}
