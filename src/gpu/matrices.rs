//! Cooperative matrices: which an adapter lists, and which of them products in float16 take.

use crate::kernel::Tile;

/// What products in float16 ask of a device beside what every plan does.
pub(super) const FEATURES: wgpu::Features =
    wgpu::Features::SUBGROUP.union(wgpu::Features::SHADER_F16).union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

fn float(scalar: wgpu::CooperativeScalarType) -> String {
    format!("{scalar:?}").to_lowercase()
}

/// As in `16x16x16 f16 to f32`, each once.
pub(super) fn listed(adapter: &wgpu::Adapter) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for p in adapter.cooperative_matrix_properties() {
        let (of, to) = (float(p.ab_type), float(p.cr_type));
        let text = format!("{}x{}x{} {of} to {to}", p.m_size, p.n_size, p.k_size);
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

/// The matrices that products in float16 take, or what is missing.
pub(super) fn fitting(adapter: &wgpu::Adapter) -> Result<Tile, String> {
    fit(adapter.features(), &listed(adapter))
}

fn fit(features: wgpu::Features, listed: &[String]) -> Result<Tile, String> {
    let lacks = |feature: wgpu::Features| !features.contains(feature);
    if lacks(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        return Err("its driver lists no cooperative matrices".into());
    }
    if lacks(wgpu::Features::SHADER_F16) {
        return Err("its shaders have no 16-bit floats".into());
    }
    if lacks(wgpu::Features::SUBGROUP) {
        return Err("its shaders have no subgroups".into());
    }
    let wanted = |tile: Tile| format!("{tile} f16 to f32");
    let found = Tile::ALL.into_iter().find(|&tile| listed.contains(&wanted(tile)));
    found.ok_or_else(|| {
        let [first, second] = Tile::ALL.map(wanted);
        format!("its driver lists the cooperative matrices {}, and neither {first} nor {second}", listed.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_fitting_matrices_are_taken_and_what_is_missing_is_named() {
        let listed = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let (eight, both) =
            (listed(&["8x8x8 f16 to f16", "8x8x8 f16 to f32"]), ["8x8x8 f16 to f32", "16x16x16 f16 to f32"]);
        assert_eq!(fit(FEATURES, &eight), Ok(Tile::Eight));
        assert_eq!(fit(FEATURES, &listed(&both)), Ok(Tile::Sixteen));
        let missing =
            |features: wgpu::Features, texts: &[&str]| fit(features, &listed(texts)).err().unwrap_or_default();
        let without = |feature: wgpu::Features| missing(FEATURES.difference(feature), &both);
        assert!(without(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX).contains("no cooperative matrices"));
        assert!(without(wgpu::Features::SHADER_F16).contains("no 16-bit floats"));
        assert!(without(wgpu::Features::SUBGROUP).contains("no subgroups"));
        let others = missing(FEATURES, &["16x16x16 f16 to f16", "8x8x8 f32 to f32"]);
        assert!(others.contains("16x16x16 f16 to f16, 8x8x8 f32 to f32, and neither 16x16x16 f16 to f32"), "{others}");
    }
}
