// The gradient by a block's z, from that by what the next layer made of the block's output h:
//   dh = dy · V, where y = h Vᵀ;   through dropout and ReLU to u;   dgamma = Σ u x̂, dbeta = Σ u;
//   dz = gamma · inv_std · (u - (dbeta + x̂ · dgamma) / rows),
// and the running statistics move. dy is [rows, k], V [k, n], z and h [rows, n]; n is a multiple of four.
// Offsets are in words: V and gamma lie in `params`, `saved` behind z in `zs`, the running ones in `state`.
struct Args {
    k: u32,
    n: u32,
    weight: u32,
    gamma: u32,
    saved: u32,
    scale: f32,
    dgamma: u32,
    dbeta: u32,
    running_mean: u32,
    running_var: u32,
    momentum: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(2) var<storage, read> params: array<Quad>;
@group(0) @binding(3) var<storage, read> zs: array<Quad>;
@group(0) @binding(4) var<storage, read> h: array<Quad>;
@group(0) @binding(5) var<storage, read> now: Now;
@group(0) @binding(6) var<storage, read_write> dz: array<Quad>;
@group(0) @binding(7) var<storage, read_write> grads: array<Quad>;
@group(0) @binding(8) var<storage, read_write> state: array<Quad>;
