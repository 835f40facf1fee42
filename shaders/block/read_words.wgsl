// Four neighbouring floats of {t} from word i on; 0 in place of those that are not present.
fn {t}_at(i: u32) -> vec4f {
    let last = i + present - 1u;
    let v = vec4f({t}[i], {t}[min(i + 1u, last)], {t}[min(i + 2u, last)], {t}[min(i + 3u, last)]);
    return select(vec4f(0.0), v, vec4u(0u, 1u, 2u, 3u) < vec4u(present));
}
