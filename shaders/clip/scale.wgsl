// g = g · factor₀ · factor₁ for all gradients, the factors from the sums of all chunks, which each group adds up again in the same
// order; nothing in a step that changes no state, since a factor that is NaN would stay in the padding between tensors.
const OF_THREAD: u32 = 4u;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    var sum = vec3f(0.0, 0.0, 0.0);
    for (var k = lane; k < args.chunks; k += LANES) {
        sum += vec3f(sums[3u * k], sums[3u * k + 1u], sums[3u * k + 2u]);
    }
    let both = factors(sum_over_group(lane, sum), args.most);
    let first = (group.y * groups.x + group.x) * OF_THREAD * LANES + lane;
    for (var j = 0u; j < OF_THREAD; j++) {
        let i = first + j * LANES;
        if (i < args.count && now.halted == 0u) {
            gradients[i] = gradients[i] * both.x * both.y;
        }
    }
}
