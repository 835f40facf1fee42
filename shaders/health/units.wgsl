// Mean and biased variance of each unit, and how many of its values are of each kind, in the line of this step.
struct Args {
    features: u32,
    pixels: u32,
    low: f32,
    high: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> moments: array<f32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

const COUNTS: u32 = 12u;

// The counts of a group's unit. Whole numbers add up to the same in any order.
var<workgroup> kinds: array<atomic<u32>, COUNTS>;

// Where value k of unit f lies: k counts over rows and pixels.
fn at(f: u32, k: u32) -> u32 {
    return k * args.features + f;
}

// Adds what a lane counted to four counts of the group.
fn add(first: u32, counted: vec4u) {
    atomicAdd(&kinds[first], counted.x);
    atomicAdd(&kinds[first + 1u], counted.y);
    atomicAdd(&kinds[first + 2u], counted.z);
    atomicAdd(&kinds[first + 3u], counted.w);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = group.y * groups.x + group.x;
    let feature = min(f, args.features - 1u);
    let count = now.rows * args.pixels;
    // The barriers of the sums stand between this, the adding and the reading.
    if (lane < COUNTS) {
        atomicStore(&kinds[lane], 0u);
    }
    let mean = mean_over_group(lane, feature, count);
    var squares = 0.0;
    var rest = 0.0;
    // Numbers are compared by their bits, by which NaN is larger than all.
    var signs = vec4u();
    var small = vec4u();
    var large = vec4u();
    for (var k = lane; k < count; k += LANES) {
        let v = x[at(feature, k)];
        let d = v - mean;
        squares += d * d;
        rest += d;
        let size = bitcast<u32>(v) & 0x7fffffffu;
        let at_end = !is_nan(v) && (v < args.low || v > args.high);
        let is_positive = size > 0u && size == bitcast<u32>(v);
        signs += vec4u(vec4<bool>(is_positive, at_end, size >= 0x322bcc77u, size >= 0x33d6bf95u));
        small += vec4u(vec4u(size) >= vec4u(0x358637bdu, 0x3727c5acu, 0x38d1b717u, 0x3a83126fu));
        large += vec4u(vec4u(size) >= vec4u(0x3c23d70au, 0x3dcccccdu, 0x3f800000u, 0x41200000u));
    }
    add(0u, signs);
    add(4u, small);
    add(8u, large);
    let variance = off_and_variance(sum_over_group(lane, vec2f(squares, rest)), count).y;
    if (lane == 0u && f < args.features && now.halted == 0u) {
        moments[2u * now.index * args.features + f] = mean;
        moments[(2u * now.index + 1u) * args.features + f] = variance;
        for (var i = 0u; i < COUNTS; i++) {
            counts[(now.index * COUNTS + i) * args.features + f] = atomicLoad(&kinds[i]);
        }
    }
}
