struct Args {
    classes: u32,
    smoothing: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
