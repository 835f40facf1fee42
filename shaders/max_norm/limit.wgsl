// w = w · most / ‖w‖ for each row whose norm is above `most`; one group for each row. Nothing moves once the run is halted.
struct Args {
    rows: u32,
    width: u32,
    most: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> now: Now;
@group(0) @binding(2) var<storage, read_write> weight: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    if (row >= args.rows || now.halted != 0u) {
        return;
    }
    let first = row * args.width;
    var sum = vec3f(0.0, 0.0, 0.0);
    let width = unfolded(args.width);
    for (var k = lane; k < width; k += LANES) {
        sum += square_by_size(weight[first + k]);
    }
    let both = factors(sum_over_group(lane, sum), args.most);
    for (var k = lane; k < width; k += LANES) {
        weight[first + k] = weight[first + k] * both.x * both.y;
    }
}
