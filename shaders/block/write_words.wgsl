fn {t}_keep(i: u32, v: vec4f) {
    {t}[i] = v.x;
    //@for c,j=y:1 z:2 w:3
    if (present > {j}u) {
        {t}[i + {j}u] = v.{c};
    }
    //@end
}
