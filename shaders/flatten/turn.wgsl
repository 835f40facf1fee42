// y [rows, channels, pixels] of x [rows, pixels, channels]. One thread for each element of y.
struct Args {
    channels: u32,
    pixels: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.pixels * args.channels) {
        return;
    }
    let row = i / (args.pixels * args.channels);
    y[i] = x[(row * args.pixels + i % args.pixels) * args.channels + i / args.pixels % args.channels];
}
