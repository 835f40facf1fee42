// The sum over the threads that share a quad of columns: those of even numbers, and those of odd ones. Must be called by
// all threads of the group together; the order never changes.
var<workgroup> lanes: array<vec4f, 256>;

fn column_sum(lane: u32, value: vec4f) -> vec4f {
    lanes[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half > 1u; half /= 2u) {
        if (lane < half) {
            lanes[lane] += lanes[lane + half];
        }
        workgroupBarrier();
    }
    let sum = lanes[lane % 2u];
    workgroupBarrier();
    return sum;
}
