// Moves on to the next line of the step table; a halted run stays where it is. One thread.
struct Args {
    lines: u32,
}
struct Step {
    start: u32,
    rows: u32,
    rate: f32,
    step: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(1) var<storage, read> table: array<Step>;
@group(0) @binding(2) var<storage, read_write> now: Now;

@compute @workgroup_size(1)
fn main() {
    if (now.halted != 0u) {
        return;
    }
    let index = now.index + 1u;
    now.index = index;
    if (index < args.lines) {
        now.start = table[index].start;
        now.rows = table[index].rows;
        now.rate = table[index].rate;
        now.step = table[index].step;
    }
}
