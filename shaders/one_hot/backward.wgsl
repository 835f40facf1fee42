// d_outputs = loss scale * gradient of an element / (rows * outputs). One thread for each output.
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> d_outputs: array<f32>;

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
    let t = select(0.0, 1.0, i % args.outputs == labels[i / args.outputs]);
    d_outputs[i] = loss_scale() / f32(now.rows * args.outputs) * element_gradient(outputs[i], t);
}
