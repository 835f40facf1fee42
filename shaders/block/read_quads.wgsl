// Four neighbouring floats of {t} from word i on, which is a multiple of four.
fn {t}_at(i: u32) -> vec4f {
    return numbers({t}[i / 4u]);
}
