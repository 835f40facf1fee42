// y = the mean of each window. One thread for each output.
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
    if (i >= now.rows * args.out_h * args.out_w * args.channels) {
        return;
    }
    let channel = i % args.channels;
    let output = i / args.channels;
    let image = output / (args.out_h * args.out_w);
    let top = output / args.out_w % args.out_h;
    let left = output % args.out_w;
    var sum = 0.0;
    for (var u = 0u; u < args.kernel; u++) {
        for (var v = 0u; v < args.kernel; v++) {
            // Less than 0 is more than any size.
            let down = top * args.stride + u - args.padding;
            let right = left * args.stride + v - args.padding;
            if (down < args.in_h && right < args.in_w) {
                sum += x[((image * args.in_h + down) * args.in_w + right) * args.channels + channel];
            }
        }
    }
    y[i] = sum / f32(counted(top, args.in_h) * counted(left, args.in_w));
}
