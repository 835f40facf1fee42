// The gradient by what batch norm gives lies where the result will.
fn u_at(i: u32) -> vec4f {
    return dz_at(i);
}
