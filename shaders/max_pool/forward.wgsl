// y = the largest of each window, the first of several, NaN where one of them is. One thread for each output.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> place: array<u32>;

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
    let top = output / args.out_w % args.out_h * args.stride;
    let left = output % args.out_w * args.stride;
    var best = 0.0;
    var at = 0xffffffffu;
    for (var u = 0u; u < args.kernel; u++) {
        for (var v = 0u; v < args.kernel; v++) {
            // Less than 0 is more than any size.
            let down = top + u - args.padding;
            let right = left + v - args.padding;
            if (down < args.in_h && right < args.in_w) {
                let pixel = down * args.in_w + right;
                let value = x[(image * args.in_h * args.in_w + pixel) * args.channels + channel];
                if (at == 0xffffffffu || (!is_nan(best) && (is_nan(value) || value > best))) {
                    best = value;
                    at = pixel;
                }
            }
        }
    }
    y[i] = best;
    place[i] = at;
}
