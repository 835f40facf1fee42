// g += l2 * θ;   s = α s + (1 - α) g²;   v = momentum * v + g / (√s + eps);   θ -= rate * v,
// `rate` being the layer's share of the step's.
struct Args {
    count: u32,
    rate: f32,
    alpha: f32,
    rest: f32,
    eps: f32,
    momentum: f32,
    l2: f32,
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
    let s = args.alpha * square[i] + args.rest * g * g;
    let v = args.momentum * velocity[i] + g / (sqrt(s) + args.eps);
    square[i] = s;
    velocity[i] = v;
    parameters[i] = theta - now.rate * args.rate * v;
}
