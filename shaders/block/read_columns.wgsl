// Four neighbouring floats of {t} from word i on; the last in place of those that are not present, which nobody stores.
fn {t}_at(i: u32) -> vec4f {
    let last = i + present - 1u;
    return vec4f({t}[i], {t}[min(i + 1u, last)], {t}[min(i + 2u, last)], {t}[min(i + 3u, last)]);
}
