// g += l2 * θ;   v = momentum * v + g;   θ = (1 - decoupled) * θ - rate * (v, or g + momentum * v with nesterov).
// `rate` being the layer's share of the step's.
struct Args {
    count: u32,
    rate: f32,
    momentum: f32,
    l2: f32,
    decoupled: f32,
    nesterov: u32,
    lines: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> gradients: array<Quad>;
@group(0) @binding(2) var<storage, read> now: Now;

// A thread has four elements.
fn has_any(i: u32) -> bool {
    return i * 4u < args.count;
}

fn move_at(i: u32) {
    let theta = numbers(parameters[i]);
    let g = numbers(gradients[i]) + args.l2 * theta;
    let before = numbers(velocity[i]);
    let v = args.momentum * before + g;
    let step = select(v, g + args.momentum * v, args.nesterov != 0u);
    let moved = theta - now.rate * args.rate * step - args.decoupled * theta;
    // What lies beyond the last element stays as it is.
    let within = vec4u(i * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(args.count);
    velocity[i] = packed(select(before, v, within));
    parameters[i] = packed(select(theta, moved, within));
}
