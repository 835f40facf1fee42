// The step that the device is at, as the last kernel of the step before left it.
struct Now {
    index: u32,
    start: u32,
    rows: u32,
    rate: f32,
    step: u32,
    halted: u32,
}
