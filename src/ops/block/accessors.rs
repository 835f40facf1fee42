//! The functions by which a block's kernels read and write four neighbouring elements of a binding.

use super::chain::Chain;
use crate::kernel::{Access, Binding, Part};
use crate::op::Family;
use crate::part;

/// Which kernel is wanted beside its stages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub family: Family,
    /// Whether all widths are multiples of four.
    pub aligned: bool,
    /// Whether the product has a bias; not looked at backward.
    pub bias: bool,
    pub backward: bool,
    /// Whether what the product gave is given, as a kernel of its own made it.
    pub given: bool,
}

/// How four neighbouring elements of a binding are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// At once.
    Quads,
    /// One by one, all four.
    Four,
    /// One by one, those that are present in the row. Of four along the sum of a product, the others count as 0.
    Words {
        /// Whether some lie along the sum of a product.
        along_sum: bool,
    },
    /// What the four columns became where rows are narrower.
    Narrow,
}

impl Form {
    /// Whether the binding is one of single words.
    pub(super) fn is_by_words(self) -> bool {
        self != Self::Quads
    }
}

/// The form of a binding.
pub(super) fn form(chain: &Chain, wanted: Wanted, binding: &str) -> Form {
    let narrow = if wanted.backward { "dh" } else { "h" };
    // Rows of the next layer's weights are as wide as h.
    let has_rows_of_h = wanted.backward && !wanted.given && binding == "params";
    let in_product = !wanted.backward && !wanted.given && ["x", "params"].contains(&binding);
    match (chain.narrows() > 1, wanted.aligned) {
        (true, _) if binding == narrow => Form::Narrow,
        (true, true) if has_rows_of_h => Form::Four,
        (_, true) => Form::Quads,
        (_, false) => Form::Words { along_sum: in_product },
    }
}

/// The functions of all bindings; `v_at` reads the next layer's weights, where they are bound.
pub(super) fn all(chain: &Chain, wanted: Wanted, bindings: &[Binding]) -> Vec<Part> {
    let mut parts = vec![];
    for binding in bindings.iter().filter(|binding| !["now", "dy"].contains(&binding.name)) {
        let written = binding.access != Access::Read;
        let [read, write] = match form(chain, wanted, binding.name) {
            Form::Quads => [part!("block/read_quads.wgsl"), part!("block/write_quads.wgsl")],
            Form::Four => [part!("block/read_four.wgsl"), part!("block/write_words.wgsl")],
            Form::Words { along_sum: true } => [part!("block/read_words.wgsl"), part!("block/write_words.wgsl")],
            Form::Words { along_sum: false } => [part!("block/read_columns.wgsl"), part!("block/write_words.wgsl")],
            Form::Narrow if written => {
                parts.push(Part::generated(narrow_write(chain, wanted, binding.name)));
                continue;
            }
            Form::Narrow => {
                parts.push(Part::generated(narrow_read(chain, wanted, binding.name, &format!("{}[", binding.name))));
                continue;
            }
        };
        parts.extend(for_each(read, binding.name));
        parts.extend(written.then(|| for_each(write, binding.name)).into_iter().flatten());
    }
    if wanted.backward && !wanted.given {
        let whole = "fn v_at(i: u32) -> vec4f {\n    return params_at(args.weight + i);\n}".to_owned();
        let is_narrow = chain.narrows() > 1;
        parts.push(Part::generated(if is_narrow {
            narrow_read(chain, wanted, "v", "params[args.weight + ")
        } else {
            whole
        }));
    }
    parts
}

/// A part written out for each of some names.
pub(in crate::ops) fn for_each(part: Part, names: &str) -> [Part; 3] {
    [Part::generated(format!("//@for t={names}")), part, Part::generated("//@end".to_owned())]
}

/// WGSL that reads what four columns from place i on became; 0 behind it.
fn narrow_read(chain: &Chain, wanted: Wanted, name: &str, tensor: &str) -> String {
    let values = match (chain.narrows(), wanted.aligned) {
        (4, _) => format!("{tensor}i / 4u], 0.0"),
        (_, true) => format!("{tensor}i / 2u], {tensor}i / 2u + 1u]"),
        // Of two columns one is left.
        (_, false) => format!("{tensor}i / 2u], {tensor}(i + present - 1u) / 2u]"),
    };
    format!(
        "// What the columns from place i on became.\nfn {name}_at(i: u32) -> vec4f {{\n    return vec4f({values}, 0.0, 0.0);\n}}"
    )
}

/// WGSL that writes it.
fn narrow_write(chain: &Chain, wanted: Wanted, name: &str) -> String {
    let second = match (chain.narrows(), wanted.aligned) {
        (4, _) => String::new(),
        (_, true) => format!("    {name}[i / 2u + 1u] = v.y;\n"),
        (_, false) => format!("    if (present > 2u) {{\n        {name}[i / 2u + 1u] = v.y;\n    }}\n"),
    };
    let narrows = chain.narrows();
    format!("fn {name}_keep(i: u32, v: vec4f) {{\n    {name}[i / {narrows}u] = v.x;\n{second}}}")
}
