// x[r, y, x, c] = (v − offset) · factor, v = clamp(brightness · p, 0, largest), p the pixel of the picture that the box of row r puts
// there; target[r, t] = targets[row, t]. Where x is not normalised here, it is v.
// One thread for each element of x or of target, whichever is wider.
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> boxes: array<u32>;
@group(0) @binding(4) var<storage, read> offset: array<f32>;
@group(0) @binding(5) var<storage, read> factor: array<f32>;
@group(0) @binding(6) var<storage, read> now: Now;
@group(0) @binding(7) var<storage, read_write> x: array<f32>;
@group(0) @binding(8) var<storage, read_write> batch_target: array<u32>;

// The pixel of output element f by the box at b.
fn drawn(b: u32, f: u32) -> f32 {
    let pixels = args.features / args.channels;
    let p = select(f / args.channels, f % pixels, args.planes != 0u);
    let c = select(f % args.channels, f / pixels, args.planes != 0u);
    let column = p % args.width;
    let turned = select(column, args.width - 1u - column, boxes[b + 8u] != 0u);
    let at = vec2i(i32(p / args.width), i32(turned));
    let size = vec2i(i32(boxes[b + 2u]), i32(boxes[b + 3u]));
    let top = vec2i(bitcast<i32>(boxes[b + 4u]), bitcast<i32>(boxes[b + 5u]));
    let step = vec2i(i32(boxes[b + 6u]), i32(boxes[b + 7u]));
    if (all(step == vec2i(ONE))) {
        return pixel_at(boxes[b + 1u], size, at + (top >> vec2u(16u)), c);
    }
    return resampled(boxes[b + 1u], size, top + at * step + step / 2, step, c);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    let wide = max(args.features, args.targets);
    if (i >= now.rows * wide) {
        return;
    }
    let r = i / wide;
    let f = i % wide;
    let b = (now.start + r) * BOX;
    if (f < args.features) {
        let v = clamp(bitcast<f32>(boxes[b + 9u]) * drawn(b, f), 0.0, args.largest);
        x[r * args.features + f] = select(v, (v - offset[f]) * factor[f], args.normalized != 0u);
    }
    if (f < args.targets) {
        batch_target[r * args.targets + f] = targets[boxes[b] * args.targets + f];
    }
}
