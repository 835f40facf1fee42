// From the sums of all chunks, the two factors for all gradients. One group.
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> factor: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = vec3f(0.0, 0.0, 0.0);
    for (var k = lane; k < args.chunks; k += LANES) {
        sum += vec3f(sums[3u * k], sums[3u * k + 1u], sums[3u * k + 2u]);
    }
    let both = factors(sum_over_group(lane, sum), args.most);
    if (lane == 0u) {
        factor[0] = both.x;
        factor[1] = both.y;
    }
}
