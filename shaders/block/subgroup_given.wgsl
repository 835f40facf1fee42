// For drivers that run on a CPU: one subgroup of 8 lanes has 32 columns of all rows, which are given, lane l columns 4 l to
// 4 l + 3.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = (args.n + 3u) / 4u;
    let mine = group.x * 8u + lane < quads;
    finish(min(group.x * 8u + lane, quads - 1u), 0u, 1u, lane, mine);
}
