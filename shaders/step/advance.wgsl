// Moves on to the next line of the step table. One thread.
struct Args {
    lines: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> table: array<Step>;
@group(0) @binding(2) var<storage, read_write> now: Now;

@compute @workgroup_size(1)
fn main() {
    now = following(args.lines);
}
