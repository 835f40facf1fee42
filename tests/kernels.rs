//! Rust's declaration of every kernel against its WGSL, read by naga; no device is needed.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "kernels/portable.rs"]
mod portable;
#[path = "kernels/uniform.rs"]
mod uniform;

use naga::valid::{Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, ArraySize, ScalarKind, StorageAccess, TypeInner};
use std::collections::BTreeSet;
use wgrad::kernel::{Access, Binding, Field, Kernel, Now, Scalar};
use wgrad::ops::OPS;

fn kernels() -> impl Iterator<Item = &'static Kernel> {
    wgrad::ops::kernels().into_iter()
}

/// The module of a text that is valid with these capabilities alone; subgroups are one of them.
fn validate(wgsl: &str, capabilities: Capabilities) -> Result<(naga::Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|e| e.emit_to_string(wgsl))?;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    if capabilities.contains(Capabilities::SUBGROUP) {
        validator.subgroup_stages(ShaderStages::all()).subgroup_operations(SubgroupOperationSet::all());
    }
    let info = validator.validate(&module).map_err(|e| format!("{:?}", e.into_inner()))?;
    Ok((module, info))
}

fn parse(wgsl: &str) -> Result<naga::Module, String> {
    validate(wgsl, Capabilities::all()).map(|(module, _)| module)
}

fn scalar_of(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Option<Scalar> {
    match &module.types[ty].inner {
        // Two floats in a word.
        TypeInner::Scalar(s) | TypeInner::Vector { scalar: s, .. } if s.kind == ScalarKind::Uint && s.width == 8 => {
            Some(Scalar::F32)
        }
        TypeInner::Scalar(s) | TypeInner::Vector { scalar: s, .. } if s.width == 4 => match s.kind {
            ScalarKind::Float => Some(Scalar::F32),
            ScalarKind::Uint => Some(Scalar::U32),
            _ => None,
        },
        _ => None,
    }
}

fn fields_of(module: &naga::Module, ty: naga::Handle<naga::Type>) -> Vec<(String, usize, Option<Scalar>)> {
    let TypeInner::Struct { members, .. } = &module.types[ty].inner else { return vec![] };
    let field = |m: &naga::StructMember| (m.name.clone().unwrap(), m.offset as usize, scalar_of(module, m.ty));
    members.iter().map(field).collect()
}

fn same_fields(found: &[(String, usize, Option<Scalar>)], declared: &[Field]) -> bool {
    let declared: Vec<_> = declared.iter().map(|f| (f.name.to_owned(), f.offset, Some(f.scalar))).collect();
    found == declared
}

/// What disagrees between a declaration and its text.
fn disagreements(wgsl: &str, args: &[Field], bindings: &[Binding]) -> Vec<String> {
    let module = match parse(wgsl) {
        Ok(module) => module,
        Err(error) => return vec![error],
    };
    let mut wrong = vec![];
    let mut seen = BTreeSet::new();
    for (_, global) in module.global_variables.iter() {
        let Some(at) = &global.binding else { continue };
        let name = global.name.clone().unwrap_or_default();
        seen.insert(at.binding as usize);
        if at.group != 0 {
            wrong.push(format!("{name} is in group {}", at.group));
        }
        if at.binding == 0 {
            let uniform = global.space == AddressSpace::Uniform && name == "args";
            if !uniform || !same_fields(&fields_of(&module, global.ty), args) {
                wrong.push(format!("args differ: {:?}", fields_of(&module, global.ty)));
            }
            continue;
        }
        let Some(declared) = bindings.get(at.binding as usize - 1) else {
            wrong.push(format!("{name} is not declared"));
            continue;
        };
        let writable =
            matches!(global.space, AddressSpace::Storage { access } if access.contains(StorageAccess::STORE));
        if name != declared.name || writable == (declared.access == Access::Read) {
            wrong.push(format!("{name} is declared as {} {:?}", declared.name, declared.access));
        }
        let content = match &module.types[global.ty].inner {
            TypeInner::Array { base, size: ArraySize::Dynamic, .. } => scalar_of(&module, *base),
            TypeInner::Struct { .. } if same_fields(&fields_of(&module, global.ty), Now::FIELDS) => Some(Scalar::Now),
            _ => None,
        };
        if content != Some(declared.scalar) {
            wrong.push(format!("{name} holds {content:?}, declared {:?}", declared.scalar));
        }
    }
    let first = usize::from(args.is_empty());
    if seen != (first..=bindings.len()).collect() {
        wrong.push(format!("bindings {seen:?} of {}", bindings.len()));
    }
    wrong
}

#[test]
fn every_kernel_is_as_declared() {
    for kernel in kernels() {
        let wrong = disagreements(&kernel.wgsl(), kernel.args, kernel.bindings);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", kernel.name);
        assert!(kernel.bindings.len() <= wgrad::kernel::MAX_BINDINGS, "{}", kernel.name);
    }
}

#[test]
fn bindings_are_in_the_order_read_written_updated() {
    let rank = |b: &Binding| match b.access {
        Access::Read => 0,
        Access::Write => 1,
        Access::Update => 2,
    };
    for kernel in kernels() {
        assert!(kernel.bindings.is_sorted_by_key(rank), "{}", kernel.name);
    }
}

#[test]
fn names_are_unique_and_say_the_operation() {
    let mut names = BTreeSet::new();
    for op in OPS {
        for kernel in op.kernels.iter().copied().chain((op.joined)()) {
            assert!(kernel.name.starts_with(&format!("{}.", op.name)), "{} in {}", kernel.name, op.name);
            assert!(names.insert(kernel.name), "{} twice", kernel.name);
        }
    }
}

#[test]
fn kernels_fit_every_adapter() {
    for kernel in kernels() {
        let module = parse(&kernel.wgsl()).unwrap();
        let entry = &module.entry_points[0];
        assert_eq!(module.entry_points.len(), 1, "{}", kernel.name);
        assert_eq!(entry.name, "main", "{}", kernel.name);
        let threads: u32 = entry.workgroup_size.iter().product();
        assert!(threads <= 256 && entry.workgroup_size[1..] == [1, 1], "{}: {threads} threads", kernel.name);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared = module.global_variables.iter().filter(|(_, g)| g.space == AddressSpace::WorkGroup);
        let bytes: u32 = shared.map(|(_, g)| layouter[g.ty].size).sum();
        assert!(bytes <= 16 * 1024, "{}: {bytes} bytes of workgroup memory", kernel.name);
    }
}

/// A GPU may hang where some threads of a group wait at a barrier that the others do not reach.
#[test]
fn barriers_stand_in_uniform_flow() {
    for kernel in kernels() {
        let module = parse(&kernel.wgsl()).unwrap();
        assert_eq!(uniform::fault(&module), None, "{}", kernel.name);
    }
}

/// The harness itself: flow that threads leave one by one is objected to, and flow that they leave together is not.
#[test]
fn a_barrier_that_some_threads_miss_is_seen() {
    let found = |body: &str| {
        let wgsl = format!(
            "@group(0) @binding(0) var<uniform> n: u32;
            @group(0) @binding(1) var<storage, read_write> memory: array<u32>;
            var<workgroup> shared_word: u32;
            fn inner(go: bool) {{ if (go) {{ workgroupBarrier(); }} }}
            fn outer(go: bool) {{ inner(go); }}
            fn barrier() {{ workgroupBarrier(); }}
            fn barrier_in_two() {{ barrier(); }}
            fn odd(x: u32) -> bool {{ if (x % 2u == 1u) {{ return true; }} return false; }}
            @compute @workgroup_size(64)
            fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {{ {body} }}"
        );
        uniform::fault(&parse(&wgsl).unwrap()).is_some()
    };
    for bad in [
        "if (lane < 3u) { return; } workgroupBarrier();",
        "if (lane < 3u) { workgroupBarrier(); }",
        "if (n > 3u) { } else { if (lane < 3u) { workgroupBarrier(); } }",
        "for (var k = lane; k < n; k += 64u) { workgroupBarrier(); }",
        "for (var k = 0u; k < n; k++) { workgroupBarrier(); if (k == lane) { break; } }",
        "for (var k = 0u; k < n; k++) { if (k == lane) { continue; } workgroupBarrier(); }",
        "for (var k = 0u; k < n; k++) { workgroupBarrier(); if (k == lane) { return; } }",
        "for (var k = 0u; k < n; k++) { if (k == lane) { return; } } workgroupBarrier();",
        "{ if (lane < 3u) { return; } } workgroupBarrier();",
        "var k = 0u; loop { workgroupBarrier(); continuing { k++; break if k > lane; } }",
        "switch lane { case 0u: { workgroupBarrier(); } default: { } }",
        "switch n { case 0u: { if (lane < 3u) { break; } workgroupBarrier(); } default: { } }",
        "switch n { case 0u: { if (lane < 3u) { return; } } default: { } } workgroupBarrier();",
        "if (lane < 3u) { barrier_in_two(); }",
        "outer(lane < 3u);",
        "if (odd(lane)) { workgroupBarrier(); }",
        "var k = 0u; if (lane < 3u) { k = 1u; } if (k == 1u) { workgroupBarrier(); }",
        "var k = 0u; for (var j = 0u; j < lane; j++) { k++; } if (k > n) { workgroupBarrier(); }",
        "if (memory[0] == 0u) { workgroupBarrier(); }",
        "if (shared_word == 0u) { workgroupBarrier(); }",
        "if (lane < 3u) { memory[0] = subgroupAdd(n); }",
    ] {
        assert!(found(bad), "{bad}");
    }
    for good in [
        "workgroupBarrier(); if (lane < 3u) { return; }",
        "if (group.x > n) { return; } workgroupBarrier();",
        "for (var k = lane; k < n; k += 64u) { memory[k] = 1u; } workgroupBarrier();",
        "for (var k = group.x; k < n; k++) { if (k == 7u) { break; } workgroupBarrier(); }",
        "for (var k = 0u; k < n; k++) { if (lane < k) { memory[k] = 1u; } barrier_in_two(); }",
        "switch n { case 0u: { workgroupBarrier(); } default: { return; } }",
        "outer(odd(n)); if (workgroupUniformLoad(&shared_word) == 0u) { workgroupBarrier(); }",
    ] {
        assert!(!found(good), "{good}");
    }
}

/// The harness itself: each wrong declaration must be seen.
#[test]
fn a_wrong_declaration_is_seen() {
    let kernel = kernels().find(|k| k.name == "sgd.update").unwrap();
    let (wgsl, args, bindings) = (kernel.wgsl(), kernel.args, kernel.bindings);
    assert!(disagreements(&wgsl, args, bindings).is_empty());
    let mut swapped = args.to_vec();
    (swapped[1].name, swapped[2].name) = (swapped[2].name, swapped[1].name);
    assert!(!disagreements(&wgsl, &swapped, bindings).is_empty(), "two fields swapped");
    assert!(!disagreements(&wgsl, &args[1..], bindings).is_empty(), "a field missing");
    let mut order = bindings.to_vec();
    order.swap(2, 3);
    assert!(!disagreements(&wgsl, args, &order).is_empty(), "two bindings swapped");
    let mut access = bindings.to_vec();
    access[3].access = Access::Read;
    assert!(!disagreements(&wgsl, args, &access).is_empty(), "a wrong access");
    assert!(!disagreements(&wgsl, args, &bindings[..3]).is_empty(), "a binding missing");
    assert!(!disagreements(&wgsl.replace("now: Now", "now: array<f32>"), args, bindings).is_empty(), "a wrong type");
    assert!(!disagreements(&wgsl.replace("let v =", "let v : u32 ="), args, bindings).is_empty(), "no WGSL");
}
