// One group for each feature: every lane adds its elements, a tree adds the lanes, in an order that never changes.
const LANES: u32 = 64u;
var<workgroup> lanes: array<vec2f, LANES>;

// The sum over all lanes, given to each. Must be called by all lanes together.
fn sum_over_group(lane: u32, value: vec2f) -> vec2f {
    lanes[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            lanes[lane] += lanes[lane + half];
        }
        workgroupBarrier();
    }
    let sum = lanes[0];
    workgroupBarrier();
    return sum;
}
