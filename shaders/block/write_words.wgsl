fn {t}_keep(i: u32, count: u32, v: vec4f) {
    {t}[i] = v.x;
    //@for c,j=y:1 z:2 w:3
    if (count > {j}u) {
        {t}[i + {j}u] = v.{c};
    }
    //@end
}
