fn {t}_keep(i: u32, v: vec4f) {
    {t}[i / 4u] = packed(v);
}
