// The loss of each row, the mean of its elements', and its right answers. One thread for each row.
@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_index(group, groups, lane);
    if (r >= now.rows) {
        return;
    }
    var sum = 0.0;
    var right = 0u;
    let outputs = unfolded(args.outputs);
    for (var j = 0u; j < outputs; j++) {
        let i = r * args.outputs + j;
        sum += element_loss(output(i), target_values[i]);
        right += element_right(output(i), target_values[i]);
    }
    row_loss[r] = sum / f32(args.outputs);
    correct[r] = right;
}
