fn take(i: u32, u: vec4f) {
    dz_keep(i, u);
}
