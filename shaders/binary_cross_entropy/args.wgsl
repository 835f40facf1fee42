struct Args {
    outputs: u32,
}
@group(0) @binding(0) var<uniform> args: Args;

// An element's weight, between that of a no (t = 0) and that of a yes (t = 1).
fn weight(t: f32) -> f32 {
    return class_weights[0] + t * (class_weights[1] - class_weights[0]);
}
