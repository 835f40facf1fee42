// The step that the device is at, as the last kernel of the step before left it.
struct Now {
    index: u32,
    start: u32,
    rows: u32,
    rate: f32,
    step: u32,
    halted: u32,
    exponent: u32,
    steady: u32,
    skipped: u32,
}
// What `halted` says beside 0: the first two end the run, the third only this step.
const HALTED_BY_LOSS: u32 = 1u;
const HALTED_BY_GRADIENT: u32 = 2u;
const SKIPPED: u32 = 3u;

// What copies a step does so by a word a thread: a driver that runs on a CPU takes time for each place in the text that loads
// or stores, be it for no thread.
const NOW_WORDS: u32 = 9u;

fn word_of(step: Now, i: u32) -> u32 {
    switch i {
        case 0u: { return step.index; }
        case 1u: { return step.start; }
        case 2u: { return step.rows; }
        case 3u: { return bitcast<u32>(step.rate); }
        case 4u: { return step.step; }
        case 5u: { return step.halted; }
        case 6u: { return step.exponent; }
        case 7u: { return step.steady; }
        default: { return step.skipped; }
    }
}

// What the gradient by the loss is multiplied by.
fn loss_scale() -> f32 {
    return bitcast<f32>((127u + now.exponent) << 23u);
}

// An argument that loops or branches hang on, as the compiler cannot know it. Where control flow hangs on uniforms alone,
// some drivers write their values into the shader and compile it anew each time it is bound (Mesa's software driver, 22.3: 5
// to 25 ms). Arguments are less than 2³² - 2.
fn unfolded(value: u32) -> u32 {
    return min(value, ~now.halted);
}
