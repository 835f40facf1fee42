// Loss of each row, and whether it is right (row.wgsl). One thread for each row.
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> row_loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<u32>;

fn output(i: u32) -> f32 {
    return outputs[i];
}

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
    let row = row_of(r * args.outputs, labels[r], unfolded(args.outputs));
    row_loss[r] = row.loss;
    correct[r] = select(0u, 1u, row.right);
}
