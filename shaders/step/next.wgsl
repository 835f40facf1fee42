// The step after the current one: the next line of the step table. A halted run stays where it is, and what was skipped is over.
struct Step {
    start: u32,
    rows: u32,
    rate: f32,
    step: u32,
}

fn following(lines: u32) -> Now {
    var next = now;
    if (now.halted != 0u && now.halted != SKIPPED) {
        return next;
    }
    next.halted = 0u;
    next.index = now.index + 1u;
    if (next.index < lines) {
        let line = table[next.index];
        next.start = line.start;
        next.rows = line.rows;
        next.rate = line.rate;
        next.step = line.step;
    }
    return next;
}
