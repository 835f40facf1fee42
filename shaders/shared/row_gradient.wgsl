// d_outputs = loss scale * gradient of an element / (rows * outputs). One thread for each output.
@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.outputs) {
        return;
    }
    d_outputs[i] = loss_scale() / f32(now.rows * args.outputs) * element_gradient(output(i), target_values[i]);
}
