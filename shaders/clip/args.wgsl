// The gradients are `count` numbers in `chunks` chunks; their norm shall be `most` at most.
struct Args {
    count: u32,
    chunk: u32,
    chunks: u32,
    most: f32,
}
@group(0) @binding(0) var<uniform> args: Args;
