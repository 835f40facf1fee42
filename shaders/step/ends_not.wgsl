// The update is not the end of the step.
fn advance(i: u32) {
}
