// This thread's number in its group.
var<private> thread: u32;
var<workgroup> lanes: array<vec4f, 256>;

// The sum over the threads that share a quad of columns: those of even numbers, and those of odd ones. Must be called by
// all threads of the group together; the order never changes.
fn column_sum(value: vec4f) -> vec4f {
    lanes[thread] = value;
    workgroupBarrier();
    for (var half = 128u; half > 1u; half /= 2u) {
        if (thread < half) {
            lanes[thread] += lanes[thread + half];
        }
        workgroupBarrier();
    }
    let sum = lanes[thread % 2u];
    workgroupBarrier();
    return sum;
}
