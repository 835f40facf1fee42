// A group has 8 columns of all rows, which are given: thread t has row t / 2 of each 128, and columns 4 (t % 2) onwards.
const ROWS: u32 = 128u;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    //@with column_sum thread = lane;
    let quads = quads_of_row();
    let quad = group.x * 2u + lane % 2u;
    let column = min(quad, quads - 1u) * 4u;
    let own = lane / 2u;
    // The first row of the thread; none of one without columns of its own.
    let first = select(now.rows, own, quad < quads);
    finish(column, first, ROWS);
}
