struct Args {
    outputs: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
