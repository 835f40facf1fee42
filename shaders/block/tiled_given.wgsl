// A group has 8 columns of all rows, which are given: thread t has row t / 2 of each 128, and columns 4 (t % 2) onwards.
const ROWS: u32 = 128u;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = (args.n + 3u) / 4u;
    let mine = group.x * 2u + lane % 2u < quads;
    let quad = min(group.x * 2u + lane % 2u, quads - 1u);
    finish(quad, lane / 2u, ROWS, lane, mine);
}
