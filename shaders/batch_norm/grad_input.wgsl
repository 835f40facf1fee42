// dx = gamma · inv_std · (dy - (dbeta + x̂ · dgamma) / count)   (Ioffe & Szegedy 2015, section 3, gathered up).
// One thread for each element.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read> gamma: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read> dgamma: array<f32>;
@group(0) @binding(6) var<storage, read> dbeta: array<f32>;
@group(0) @binding(7) var<storage, read> now: Now;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.features * args.pixels) {
        return;
    }
    let f = i % args.features;
    let inv_std = saved[args.features + f];
    let x_hat = (x[i] - saved[f]) * inv_std;
    let count = f32(now.rows * args.pixels);
    dx[i] = gamma[f] * inv_std * (dy[i] - (dbeta[f] + x_hat * dgamma[f]) / count);
}
