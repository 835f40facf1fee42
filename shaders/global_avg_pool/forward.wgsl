// y = the mean over the pixels. One group for each output.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group.y * groups.x + group.x;
    let count = now.rows * args.channels;
    let first = i / args.channels * args.pixels * args.channels + i % args.channels;
    var sum = 0.0;
    if (i < count) {
        for (var p = lane; p < args.pixels; p += LANES) {
            sum += x[first + p * args.channels];
        }
    }
    let total = sum_over_group(lane, vec2f(sum, 0.0)).x;
    if (lane == 0u && i < count) {
        y[i] = total / f32(args.pixels);
    }
}
