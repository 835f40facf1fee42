// dbias = Σ dy over rows and pixels. One group for each channel.
struct Args {
    features: u32,
    pixels: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = group.y * groups.x + group.x;
    let feature = min(f, args.features - 1u);
    var sum = 0.0;
    for (var k = lane; k < now.rows * args.pixels; k += LANES) {
        sum += dy[k * args.features + feature];
    }
    let total = sum_over_group(lane, vec2f(sum, 0.0)).x;
    if (lane == 0u && f < args.features) {
        dbias[f] = total;
    }
}
