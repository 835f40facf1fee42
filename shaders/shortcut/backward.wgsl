// dx = dy at the pixels that y has, else 0. One thread for each element of dx.
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.in_h * args.in_w * args.in_c) {
        return;
    }
    let pixel = i / args.in_c;
    let image = pixel / (args.in_h * args.in_w);
    let down = pixel / args.in_w % args.in_h;
    let right = pixel % args.in_w;
    var value = 0.0;
    if (down % args.stride == 0u && right % args.stride == 0u) {
        let place = (image * args.out_h + down / args.stride) * args.out_w + right / args.stride;
        value = dy[place * args.out_c + i % args.in_c];
    }
    dx[i] = value;
}
