// g += l2 * θ;   m = β₁ m + (1 - β₁) g;   v = β₂ v + (1 - β₂) g²;
// θ = θ - ε decoupled θ - ε / (1 - β₁ᵗ) m / (√v / √(1 - β₂ᵗ) + eps), ε being the layer's share of the step's rate.
struct Args {
    count: u32,
    rate: f32,
    beta1: f32,
    rest1: f32,
    log1: f32,
    beta2: f32,
    rest2: f32,
    log2: f32,
    eps: f32,
    l2: f32,
    decoupled: f32,
    lines: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;

fn has_any(i: u32) -> bool {
    return i < args.count;
}

fn move_at(i: u32) {
    let theta = parameters[i];
    let g = gradients[i] + args.l2 * theta;
    let m = args.beta1 * mean[i] + args.rest1 * g;
    let v = args.beta2 * square[i] + args.rest2 * g * g;
    let t = f32(now.step - now.skipped) + 1.0;
    let rate = now.rate * args.rate;
    let step = rate / -expm1(t * args.log1);
    let root = sqrt(v) / sqrt(-expm1(t * args.log2));
    mean[i] = m;
    square[i] = v;
    parameters[i] = theta - rate * args.decoupled * theta - step * m / (root + args.eps);
}
