// dx = dy where y > 0, else 0. At 0 the gradient is 0; a NaN in y goes on as NaN.
struct Args {
    width: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.width) {
        return;
    }
    let value = y[i];
    var gradient = 0.0;
    if (value > 0.0) {
        gradient = dy[i];
    }
    if (is_nan(value)) {
        gradient = value;
    }
    dx[i] = gradient;
}
