// Threads of a group in kernels that work on one element each.
const GROUP: u32 = 256u;

// This thread's number in a grid that the host spread over two dimensions.
fn linear_index(group: vec3u, groups: vec3u, lane: u32) -> u32 {
    return (group.y * groups.x + group.x) * GROUP + lane;
}
