// Thread i has the elements that `move_at` moves, if it `has_any`; nothing moves once the run is halted.
@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    //@with advance advance(i);
    if (!has_any(i) || now.halted != 0u) {
        return;
    }
    move_at(i);
}
