// This thread's number in its group.
var<private> thread: u32;
var<workgroup> lanes: array<vec4f, 256>;

// The sum over the threads that share a quad of columns, whose numbers are equal modulo the group's quads, a power of two. Must be
// called by all threads of the group together; the order never changes.
fn column_sum(value: vec4f) -> vec4f {
    lanes[thread] = value;
    workgroupBarrier();
    let quads = group_quads();
    for (var half = 128u; half >= quads; half /= 2u) {
        if (thread < half) {
            lanes[thread] += lanes[thread + half];
        }
        workgroupBarrier();
    }
    let sum = lanes[thread % quads];
    workgroupBarrier();
    return sum;
}
