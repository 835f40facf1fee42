// y = x / (1 - p) where kept, 0 where dropped; the gradient is the same kernel on dy, with the same counters.
// Element e, counted in the order row, channel, pixel (or, where whole channels are dropped, row and channel), is dropped where
// word e % 4 of philox((e / 4, step, layer, 0), seed) < threshold. One thread for each element.
struct Args {
    channels: u32,
    pixels: u32,
    per_channel: u32,
    layer: u32,
    seed_low: u32,
    seed_high: u32,
    threshold: u32,
    scale: f32,
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
    let pixel = i / args.channels % args.pixels;
    let channel = i / args.channels / args.pixels * args.channels + i % args.channels;
    let e = select(channel * args.pixels + pixel, channel, args.per_channel != 0u);
    let words = philox(vec4u(e / 4u, now.step, args.layer, 0u), vec2u(args.seed_low, args.seed_high));
    let low = select(words.x, words.y, e % 2u == 1u);
    let high = select(words.z, words.w, e % 2u == 1u);
    var kept = 0.0;
    if (select(low, high, e % 4u > 1u) >= args.threshold) {
        kept = x[i] * args.scale;
    }
    y[i] = kept;
}
