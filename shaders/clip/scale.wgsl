// g = g · factor₀ · factor₁, one thread for each element of all gradients; nothing in a step that changes no state, since a
// factor that is NaN would stay in the padding between tensors.
@group(0) @binding(1) var<storage, read> factor: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i < args.count && now.halted == 0u) {
        gradients[i] = gradients[i] * factor[0] * factor[1];
    }
}
