// y = x / (1 - p) where kept, 0 where dropped; the gradient is the same kernel on dy, with the same counters.
// Element e = row * width + feature is dropped where word e % 4 of philox((e / 4, step, layer, 0), seed) < threshold.
// One thread for each four elements.
struct Args {
    width: u32,
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
    let block = linear_index(group, groups, lane);
    let count = now.rows * args.width;
    if (block >= (count + 3u) / 4u) {
        return;
    }
    let words = philox(vec4u(block, now.step, args.layer, 0u), vec2u(args.seed_low, args.seed_high));
    //@for j,c=0:x 1:y 2:z 3:w
    if (block * 4u + {j}u < count) {
        var kept{j} = 0.0;
        if (words.{c} >= args.threshold) {
            kept{j} = x[block * 4u + {j}u] * args.scale;
        }
        y[block * 4u + {j}u] = kept{j};
    }
    //@end
}
