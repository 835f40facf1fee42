// Every thread has all rows of its columns.
fn column_sum(lane: u32, value: vec4f) -> vec4f {
    return value;
}
