// dx = Σ dy ÷ count over the outputs whose windows hold the pixel. One thread for each element.
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// The first output along a side whose window reaches a place.
fn first_of(at: u32) -> u32 {
    let bordered = at + args.padding;
    return select(0u, (bordered - args.kernel) / args.stride + 1u, bordered >= args.kernel);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.in_h * args.in_w * args.channels) {
        return;
    }
    let channel = i % args.channels;
    let pixel = i / args.channels;
    let image = pixel / (args.in_h * args.in_w);
    let down = pixel / args.in_w % args.in_h;
    let right = pixel % args.in_w;
    let bottom = min((down + args.padding) / args.stride + 1u, args.out_h);
    let end = min((right + args.padding) / args.stride + 1u, args.out_w);
    var sum = 0.0;
    for (var y = first_of(down); y < bottom; y++) {
        for (var x = first_of(right); x < end; x++) {
            let count = f32(counted(y, args.in_h) * counted(x, args.in_w));
            sum += dy[((image * args.out_h + y) * args.out_w + x) * args.channels + channel] / count;
        }
    }
    dx[i] = sum;
}
