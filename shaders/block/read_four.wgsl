// Four neighbouring floats of {t} from word i on.
fn {t}_at(i: u32) -> vec4f {
    return vec4f({t}[i], {t}[i + 1u], {t}[i + 2u], {t}[i + 3u]);
}
