// y = a
// The rows of the step of `width` elements each, or all `count` elements where width is 0.
struct Args {
    width: u32,
    count: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= select(now.rows * args.width, args.count, args.width == 0u)) {
        return;
    }
    y[i] = a[i];
}
