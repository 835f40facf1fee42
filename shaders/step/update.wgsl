// One thread for EACH elements, of which `move_at` moves the first at i * EACH; nothing moves once the run is halted.
@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    advance(i);
    if (i * EACH >= args.count || now.halted != 0u) {
        return;
    }
    move_at(i);
}
