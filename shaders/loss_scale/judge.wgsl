// Whether this step counts, and the scale of the next. One group.
struct Args {
    chunks: u32,
    interval: u32,
    most: u32,
}
const LANES: u32 = 64u;
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> overflows: array<f32>;
@group(0) @binding(2) var<storage, read_write> now: Now;

var<workgroup> lanes: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var overflow = 0.0;
    for (var k = lane; k < args.chunks; k += LANES) {
        overflow = max(overflow, overflows[k]);
    }
    lanes[lane] = overflow;
    workgroupBarrier();
    if (lane != 0u || now.halted != 0u) {
        return;
    }
    for (var l = 1u; l < LANES; l++) {
        overflow = max(overflow, lanes[l]);
    }
    if (overflow == 0.0) {
        now.steady += 1u;
        if (now.steady >= args.interval) {
            now.steady = 0u;
            now.exponent = min(now.exponent + 1u, args.most);
        }
    } else if (now.exponent == 0u) {
        now.halted = HALTED_BY_GRADIENT;
    } else {
        now.halted = SKIPPED;
        now.exponent -= 1u;
        now.steady = 0u;
        now.skipped += 1u;
    }
}
