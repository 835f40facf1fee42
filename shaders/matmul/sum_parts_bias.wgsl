// c[i, j] = Σ_part partial[part, i, j] + bias[j], in the order of the parts. One thread for each result.
struct Args {
    m: u32,
    n: u32,
    parts: u32,
    relu: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.n) {
        return;
    }
    var sum = 0.0;
    let parts = unfolded(args.parts);
    for (var part = 0u; part < parts; part++) {
        sum += partial[part * args.m * args.n + i];
    }
    sum += bias[i % args.n];
    c[i] = select(sum, pass_nan(sum, relu_value(sum, 0.0)), args.relu != 0u);
}
