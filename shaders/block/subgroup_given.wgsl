// For drivers that run on a CPU: one subgroup of 8 lanes has 32 columns of all rows, which are given, lane l columns 4 l to
// 4 l + 3.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let rows = now.rows;
    let quads = quads_of_row();
    let quad = group.x * 8u + lane;
    let column = min(quad, quads - 1u) * 4u;
    // The first row of the lane; none of one without columns of its own.
    let first = select(rows, 0u, quad < quads);
    finish(column, first, 1u);
}
