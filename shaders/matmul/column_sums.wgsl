// sums[j] = Σ_r dy[r, j] over the rows of the step: the gradient of a bias. One thread for each column.
struct Args {
    columns: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let j = linear_index(group, groups, lane);
    if (j >= args.columns) {
        return;
    }
    var sum = 0.0;
    for (var r = 0u; r < now.rows; r++) {
        sum += dy[r * args.columns + j];
    }
    sums[j] = sum;
}
