// x = (clamp(contrast · v + (1 − contrast) · mean, 0, largest) − offset) · factor, where mean is that of the picture's grey:
// 0.2989 red + 0.587 green + 0.114 blue, or the mean of the channels if they are not three. One group for each row.
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> boxes: array<u32>;
@group(0) @binding(3) var<storage, read> offset: array<f32>;
@group(0) @binding(4) var<storage, read> factor: array<f32>;
@group(0) @binding(5) var<storage, read> now: Now;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;

// How much channel c counts in grey.
fn share_of(c: u32) -> f32 {
    if (args.channels != 3u) {
        return 1.0 / f32(args.channels);
    }
    return select(select(0.114, 0.587, c == 1u), 0.2989, c == 0u);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = group.y * groups.x + group.x;
    let pixels = args.features / args.channels;
    let first = r * args.features;
    let end = select(0u, unfolded(args.features), r < now.rows);
    var sum = 0.0;
    for (var f = lane; f < end; f += LANES) {
        sum += share_of(select(f % args.channels, f / pixels, args.planes != 0u)) * v[first + f];
    }
    let mean = sum_over_group(lane, vec2f(sum, 0.0)).x / f32(pixels);
    let contrast = bitcast<f32>(boxes[(now.start + min(r, now.rows - 1u)) * BOX + 10u]);
    for (var f = lane; f < end; f += LANES) {
        let moved = clamp(contrast * v[first + f] + (1.0 - contrast) * mean, 0.0, args.largest);
        x[first + f] = (moved - offset[f]) * factor[f];
    }
}
