// One thread for each element of y.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.out_h * args.out_w * args.out_c) {
        return;
    }
    let channel = i % args.out_c;
    let pixel = i / args.out_c;
    let image = pixel / (args.out_h * args.out_w);
    let down = pixel / args.out_w % args.out_h * args.stride;
    let right = pixel % args.out_w * args.stride;
    var value = 0.0;
    if (channel < args.in_c) {
        value = x[((image * args.in_h + down) * args.in_w + right) * args.in_c + channel];
    }
    y[i] = value;
}
