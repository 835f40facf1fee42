//! What every driver must be able to make of a kernel, and what some of them make of it wrongly.

use super::{kernels, validate};
use naga::valid::{Capabilities, FunctionInfo};
use naga::{Expression, Function, Module, TypeInner};
use wgrad::kernel::Needs;

/// Where vectors are indexed by what is not a constant: a compiler may make a sum of products with 0 and 1 of it, and 0
/// times the NaN of another component is NaN.
fn chosen_components(module: &Module, function: &Function, info: &FunctionInfo) -> usize {
    let vector = |base: &naga::Handle<Expression>| match info[*base].ty.inner_with(&module.types) {
        TypeInner::Vector { .. } | TypeInner::ValuePointer { size: Some(_), .. } => true,
        TypeInner::Pointer { base, .. } => matches!(module.types[*base].inner, TypeInner::Vector { .. }),
        _ => false,
    };
    let chosen =
        |(_, expression): (_, &Expression)| matches!(expression, Expression::Access { base, .. } if vector(base));
    function.expressions.iter().filter(|at| chosen(*at)).count()
}

fn all_chosen_components(wgsl: &str) -> usize {
    let (module, info) = validate(wgsl, Capabilities::all()).unwrap_or_else(|error| panic!("{error}"));
    let inner: usize = module.functions.iter().map(|(at, f)| chosen_components(&module, f, &info[at])).sum();
    inner + chosen_components(&module, &module.entry_points[0].function, info.get_entry_point(0))
}

#[test]
fn no_component_of_a_vector_is_chosen_by_index() {
    for kernel in kernels() {
        assert_eq!(all_chosen_components(&kernel.wgsl()), 0, "{}", kernel.name);
    }
}

/// The harness itself.
#[test]
fn a_component_chosen_by_index_is_seen() {
    let found = |body: &str| {
        all_chosen_components(&format!(
            "@group(0) @binding(1) var<storage, read_write> memory: array<vec4f>;
            var<workgroup> words: array<f32, 4>;
            fn pick(v: vec4f, i: u32) -> f32 {{ {body} }}
            @compute @workgroup_size(64)
            fn main(@builtin(local_invocation_index) lane: u32) {{ memory[lane].x = pick(memory[0], lane); }}"
        ))
    };
    for bad in ["return v[i];", "return memory[1][i];", "var w = v; return w[i % 4u];", "return (v * 2.0)[i];"] {
        assert_eq!(found(bad), 1, "{bad}");
    }
    for good in ["return v[2];", "return memory[i].y;", "return words[i];", "return select(v.x, v.y, i == 1u);"] {
        assert_eq!(found(good), 0, "{good}");
    }
}

/// What hardware gets asks nothing of an adapter beyond WebGPU's defaults.
#[test]
fn kernels_of_hardware_need_no_optional_capability() {
    let plain: Vec<_> = kernels().filter(|kernel| kernel.needs == Needs::Nothing).collect();
    assert!(plain.len() > 70);
    for kernel in plain {
        let valid = validate(&kernel.wgsl(), Capabilities::empty()).map(|_| ());
        assert_eq!(valid, Ok(()), "{}", kernel.name);
    }
    let other = kernels().find(|kernel| kernel.needs == Needs::SubgroupsOf8).unwrap();
    assert!(validate(&other.wgsl(), Capabilities::empty()).is_err(), "{} needs something", other.name);
}

/// Writes every kernel into the folder that `WGRAD_KERNELS` names, for compilers beside naga's own (`conversions/`).
#[test]
fn kernels_are_written_for_other_compilers() {
    let Some(folder) = std::env::var_os("WGRAD_KERNELS").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    kernels().for_each(|kernel| std::fs::write(folder.join(format!("{}.wgsl", kernel.name)), kernel.wgsl()).unwrap());
}
