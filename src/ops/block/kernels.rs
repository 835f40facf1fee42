//! The kernels of blocks: made once for each sequence of stages, family, alignment and direction.

use super::args::{BACKWARD, FORWARD};
use super::chain::{Chain, From};
use super::{fast, fast_backward};
use crate::kernel::{
    Access, Binding, Field, Io, Kernel, NOW, Needs, Part, Scalar, Size, Tolerance, declared, interned, read, update,
    write,
};
use crate::op::Family;
use crate::part;
use std::fmt::Write as _;

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

/// The kernel for a chain.
pub(super) fn kernel(chain: &Chain, wanted: Wanted) -> &'static Kernel {
    interned(name(chain, wanted), |name| make(chain, wanted, name))
}

fn name(chain: &Chain, Wanted { family, aligned, bias, backward, given }: Wanted) -> String {
    let marks = [
        (family == Family::Subgroup, "subgroup_"),
        (!aligned, "words_"),
        (backward, "backward"),
        (!backward, "forward"),
        (!backward && !bias && !given, "_bare"),
        (given, "_given"),
        (chain.narrows() > 1, "_narrow"),
    ];
    let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    format!("block.{marks} {}", chain.name())
}

fn make(chain: &Chain, wanted: Wanted, name: &'static str) -> Kernel {
    let head: &[(&str, Scalar)] = if wanted.backward { &BACKWARD } else { &FORWARD };
    let own = head.iter().map(|&(name, scalar)| (name.to_owned(), scalar));
    let fields = own.chain(chain.args().into_iter().map(|(name, arg)| (name, arg.scalar)));
    let fields: Vec<Field> =
        fields.enumerate().map(|(i, (name, scalar))| Field { name: name.leak(), offset: 4 * i, scalar }).collect();
    let bindings = bindings(chain, wanted);
    let parts = parts(chain, wanted, &fields, &bindings);
    let (stages, bias, given) = (chain.clone(), wanted.bias, wanted.given);
    let fast: Option<crate::kernel::Fast> = match wanted.backward {
        // On the CPU path the value has the product in its kernel, always.
        false if given => None,
        true => Some(Box::leak(Box::new(move |args: &[u8], io: &mut Io<'_>| {
            fast_backward::backward(&stages, given, args, io);
        }))),
        false => Some(Box::leak(Box::new(move |args: &[u8], io: &mut Io<'_>| fast::forward(&stages, bias, args, io)))),
    };
    Kernel {
        name,
        parts: parts.leak(),
        args: fields.leak(),
        bindings: bindings.leak(),
        needs: if wanted.family == Family::Subgroup { Needs::SubgroupsOf8 } else { Needs::Nothing },
        // A sum over k, and one over the rows of what it gave, against the largest of its row of the tensor: a column's
        // statistics are a few roundings of the largest z, and divide by a deviation that the cases keep near 1. What a
        // stage adds is within its own bound.
        tolerance: Tolerance {
            c: chain.tolerance(),
            size: Size::LargestOfRow,
            terms: |args, rows| u32::from_le_bytes([args[0], args[1], args[2], args[3]]) as usize + rows,
        },
        twin: None,
        fast,
    }
}

/// The texts: what is declared, the stages, and what goes over the rows.
fn parts(chain: &Chain, wanted: Wanted, fields: &[Field], bindings: &[Binding]) -> Vec<Part> {
    let (subgroups, columns) = (wanted.family == Family::Subgroup, chain.columns().is_some());
    let quads = if subgroups { part!("shared/quads_u64.wgsl") } else { part!("shared/quads.wgsl") };
    let mut parts = vec![part!("shared/now.wgsl"), part!("shared/numbers.wgsl"), quads];
    let by_words = |binding: &Binding| !wanted.aligned || chain.is_by_words(binding.name, wanted.backward);
    parts.push(declarations(fields, bindings, by_words));
    parts.extend(accessors(bindings, by_words));
    for link in &chain.links {
        for own in link.stage.parts[usize::from(!wanted.aligned || chain.narrows() > 1)] {
            if parts.iter().all(|part| part.file != own.file || part.text != own.text) {
                parts.push(*own);
            }
        }
    }
    parts.push(Part::generated(if wanted.backward { chain.gradients() } else { chain.values() }));
    parts.push(product(chain, wanted));
    parts.extend(learned(chain, wanted.backward));
    parts.push(if subgroups { part!("block/lane_sum.wgsl") } else { part!("block/group_sum.wgsl") });
    parts.push(match (columns, wanted.backward) {
        (true, false) => part!("block/columns_forward.wgsl"),
        (true, true) => part!("block/columns_backward.wgsl"),
        (false, false) => part!("block/elements_forward.wgsl"),
        (false, true) => part!("block/elements_backward.wgsl"),
    });
    parts.push(match (subgroups, wanted.backward) {
        _ if wanted.given && subgroups => part!("block/subgroup_given.wgsl"),
        _ if wanted.given => part!("block/tiled_given.wgsl"),
        (true, false) => part!("block/subgroup_forward.wgsl"),
        (true, true) => part!("block/subgroup_backward.wgsl"),
        (false, false) => part!("block/tiled_forward.wgsl"),
        (false, true) => part!("block/tiled_backward.wgsl"),
    });
    parts
}

/// The bindings: what is read, the step, what is written.
fn bindings(chain: &Chain, Wanted { backward, given, .. }: Wanted) -> Vec<Binding> {
    let (columns, keeps) = (chain.columns().is_some(), chain.keeps_product());
    let learned = chain.learned().map(|(_, learned)| learned.total.is_some());
    let has_params = columns || learned.is_some();
    let (grads, sums) = (columns || learned == Some(false), learned == Some(true));
    let when = |is: bool, binding: Binding| is.then_some(binding);
    let all = if backward {
        vec![
            Some(read(if given { "dh" } else { "dy" })),
            when(!given || has_params, read("params")),
            when(keeps, read("zs")),
            when(chain.takes_other(), read("other")),
            when(chain.from() == From::Output, read("h")),
            Some(NOW),
            Some(write("dz")),
            when(sums, write("sums")),
            when(grads, update("grads")),
            when(columns, update("state")),
        ]
    } else {
        let product = match (given, columns) {
            (true, true) => Some(update("zs")),
            (true, false) => Some(read("zs")),
            (false, _) => when(keeps, write("zs")),
        };
        let params = when(!given || has_params, read("params"));
        let (before, after) = if given && !columns { (product, None) } else { (None, product) };
        let other = when(chain.takes_other(), read("other"));
        vec![when(!given, read("x")), before, params, other, Some(NOW), Some(write("h")), after]
    };
    all.into_iter().flatten().collect()
}

/// The arguments, the place of four elements, and the variables of all bindings.
fn declarations(fields: &[Field], bindings: &[Binding], by_words: impl Fn(&Binding) -> bool) -> Part {
    let declared = declared(fields, bindings, |binding| binding.name != "dy" && !by_words(binding));
    Part::generated(format!(
        "// Arguments: k inputs and n outputs of the product; offsets in words; those of each stage.\n{declared}\n\
         // Four neighbouring elements of [rows, n]: the place of the first, and how many there are.\n\
         struct At {{\n    element: u32,\n    count: u32,\n}}"
    ))
}

/// The functions that read and write four neighbouring elements of each binding.
fn accessors(bindings: &[Binding], by_words: impl Fn(&Binding) -> bool) -> Vec<Part> {
    let names = |words: bool, written: bool| {
        let wanted = bindings.iter().filter(|binding| !["now", "dy"].contains(&binding.name));
        let fitting =
            wanted.filter(|binding| by_words(binding) == words && !(written && binding.access == Access::Read));
        fitting.map(|binding| binding.name).collect::<Vec<_>>().join(" ")
    };
    let forms = [
        (part!("block/read_quads.wgsl"), names(false, false)),
        (part!("block/write_quads.wgsl"), names(false, true)),
        (part!("block/read_words.wgsl"), names(true, false)),
        (part!("block/write_words.wgsl"), names(true, true)),
    ];
    forms.into_iter().filter(|(_, names)| !names.is_empty()).flat_map(|(part, names)| for_each(part, &names)).collect()
}

/// A part written out for each of some names.
pub(in crate::ops) fn for_each(part: Part, names: &str) -> [Part; 3] {
    [Part::generated(format!("//@for t={names}")), part, Part::generated("//@end".to_owned())]
}

/// The weights that a stage learned, for the columns of a thread, and the sums that make their gradients.
fn learned(chain: &Chain, backward: bool) -> Option<Part> {
    let is_shared = chain.learned()?.1.total.is_some();
    let weights =
        if is_shared { "vec4f(params_at(args.learned, 1u).x)" } else { "params_at(args.learned + column, count)" };
    let mut text = format!(
        "// The weights that a stage learned, of the thread's columns.\nvar<private> learned: vec4f;\n\n\
         fn learned_begin(column: u32, count: u32) {{\n    learned = {weights};\n}}"
    );
    if backward {
        let sums = if is_shared { "sums_keep(column" } else { "grads_keep(args.dlearned + column" };
        _ = write!(
            text,
            "\n\n// What the thread's rows add to the gradients by them.\nvar<private> learned_sum: vec4f;\n\n\
             fn learned_end(lane: u32, column: u32, count: u32, keeps: bool) {{\n    \
             let sum = column_sum(lane, learned_sum);\n    if (keeps) {{\n        {sums}, count, sum);\n    }}\n}}"
        );
    }
    Some(Part::generated(text))
}

/// Where the product goes, what is added to it, and where the gradient finds it.
fn product(chain: &Chain, wanted: Wanted) -> Part {
    let kept = if chain.keeps_product() || wanted.given { "zs" } else { "h" };
    let of_h = if wanted.given { "dh_at(i / NARROW" } else { "dz_at(i" };
    let of_h = format!(
        "\n\n// The gradient by h, in the first of four where h is narrower.\n\
         fn dh_at_place(i: u32, count: u32) -> vec4f {{\n    return {of_h}, count / NARROW);\n}}"
    );
    let text = match (wanted.backward, chain.keeps_product()) {
        (true, true) => {
            let again = chain.column.is_some() && chain.from() == From::Again;
            let shift = if again { "params_at(args.beta + column, count)" } else { "vec4f(0.0)" };
            format!(
                "fn product_at(i: u32, count: u32) -> vec4f {{\n    return zs_at(i, count);\n}}\n\n\
                 // β, where y is computed once more.\n\
                 fn shift_at(column: u32, count: u32) -> vec4f {{\n    return {shift};\n}}{of_h}"
            )
        }
        (true, false) => format!("fn product_at(i: u32, count: u32) -> vec4f {{\n    return vec4f(0.0);\n}}{of_h}"),
        (false, _) if wanted.given => {
            "fn product_at(i: u32, count: u32) -> vec4f {\n    return zs_at(i, count);\n}".to_owned()
        }
        (false, _) => {
            let bias = if wanted.bias { "params_at(args.bias + column, count)" } else { "vec4f(0.0)" };
            format!(
                "fn bias_at(column: u32, count: u32) -> vec4f {{\n    return {bias};\n}}\n\n\
                 fn product_keep(i: u32, count: u32, v: vec4f) {{\n    {kept}_keep(i, count, v);\n}}\n\n\
                 fn product_at(i: u32, count: u32) -> vec4f {{\n    return {kept}_at(i, count);\n}}"
            )
        }
    };
    Part::generated(text)
}
