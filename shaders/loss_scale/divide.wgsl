// g = g / loss scale for one chunk of all gradients, and whether one of them is not finite. One group for each chunk.
struct Args {
    count: u32,
    chunk: u32,
    chunks: u32,
}
const LANES: u32 = 64u;
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> now: Now;
@group(0) @binding(2) var<storage, read_write> overflows: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

var<workgroup> lanes: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let k = group.y * groups.x + group.x;
    if (k >= args.chunks) {
        return;
    }
    let first = k * args.chunk;
    let end = min(first + args.chunk, args.count);
    let inverse = bitcast<f32>((127u - now.exponent) << 23u);
    var overflow = 0.0;
    for (var i = first + lane; i < end; i += LANES) {
        let g = gradients[i];
        overflow = select(1.0, overflow, is_finite(g));
        gradients[i] = g * inverse;
    }
    lanes[lane] = overflow;
    workgroupBarrier();
    if (lane == 0u) {
        for (var l = 1u; l < LANES; l++) {
            overflow = max(overflow, lanes[l]);
        }
        overflows[k] = overflow;
    }
}
