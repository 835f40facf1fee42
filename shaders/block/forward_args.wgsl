// A block: z = x Wᵀ + b, batch norm by the batch's statistics, ReLU, dropout; x is [rows, k], z [rows, n].
// k and n are multiples of four. Offsets are in words: W, b, gamma and beta lie in `params`, `saved` (mean, 1/√(var + eps)
// and var, [3, n]) behind z in `zs`.
struct Args {
    k: u32,
    n: u32,
    weight: u32,
    bias: u32,
    gamma: u32,
    beta: u32,
    saved: u32,
    eps: f32,
    layer: u32,
    seed_low: u32,
    seed_high: u32,
    threshold: u32,
    scale: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> x: array<Quad>;
@group(0) @binding(2) var<storage, read> params: array<Quad>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> zs: array<Quad>;
@group(0) @binding(5) var<storage, read_write> h: array<Quad>;
