// dalpha = Σ dy · x over the rows and pixels where x is not more than 0. One group for each feature.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> dalpha: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = group.y * groups.x + group.x;
    let feature = min(f, args.features - 1u);
    let count = now.rows * args.pixels;
    var sum = 0.0;
    for (var k = lane; k < count; k += LANES) {
        let i = k * args.features + feature;
        let value = x[i];
        sum += pass_nan(value, select(dy[i] * value, 0.0, value > 0.0));
    }
    let total = sum_over_group(lane, vec2f(sum, 0.0)).x;
    if (lane == 0u && f < args.features) {
        dalpha[f] = total;
    }
}
