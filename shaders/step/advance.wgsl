// Moves on to the next line of the step table. One thread.
struct Args {
    lines: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> now: Now;

@compute @workgroup_size(1)
fn main() {
    let at_hand = now;
    //@for i=0..9
    let word{i} = following(at_hand, {i}u, args.lines);
    //@end
    now = Now(word0, word1, word2, bitcast<f32>(word3), word4, word5, word6, word7, word8);
}
