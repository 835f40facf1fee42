// dx = dy for the first largest of its group and 0 for the others; NaN for all of a group with a NaN.
// One thread for each output, which writes the gradients of its group.
@group(0) @binding(1) var<storage, read> x: array<f32>;
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
    if (i >= now.rows * args.outputs * args.pixels) {
        return;
    }
    let first = i * args.pieces;
    var best = x[first];
    var at = 0u;
    let pieces = unfolded(args.pieces);
    for (var j = 1u; j < pieces; j++) {
        let value = x[first + j];
        if (!is_nan(best) && (is_nan(value) || value > best)) {
            best = value;
            at = j;
        }
    }
    for (var j = 0u; j < pieces; j++) {
        dx[first + j] = pass_nan(best, select(0.0, dy[i], j == at));
    }
}
