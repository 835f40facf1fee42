// The sums of squares of one chunk of all gradients, by size; one group for each chunk.
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = group.y * groups.x + group.x;
    let first = min(k, args.chunks - 1u) * args.chunk;
    let end = min(first + args.chunk, args.count);
    var sum = vec3f(0.0, 0.0, 0.0);
    for (var i = first + lane; i < end; i += LANES) {
        sum += square_by_size(gradients[i]);
    }
    let all = sum_over_group(lane, sum);
    if (lane == 0u && k < args.chunks) {
        sums[3u * k] = all.x;
        sums[3u * k + 1u] = all.y;
        sums[3u * k + 2u] = all.z;
    }
}
