// y = the largest of `pieces` neighbouring features; NaN where one of them is. One thread for each output.
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
    if (i >= now.rows * args.outputs * args.pixels) {
        return;
    }
    let first = i * args.pieces;
    var best = x[first];
    let pieces = unfolded(args.pieces);
    for (var j = 1u; j < pieces; j++) {
        let value = x[first + j];
        if (!is_nan(best) && (is_nan(value) || value > best)) {
            best = value;
        }
    }
    y[i] = best;
}
