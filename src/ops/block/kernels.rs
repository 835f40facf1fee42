//! The kernels of blocks: made once for each sequence of stages, family, alignment and direction.

use super::accessors::{self, Wanted};
use super::args::{BACKWARD, FORWARD};
use super::chain::{Chain, From};
use super::{fast, fast_backward};
use crate::kernel::{
    Binding, Field, Io, Kernel, NOW, Needs, Part, Scalar, Size, Tolerance, declared, interned, read, update, write,
};
use crate::op::Family;
use crate::op::stage::Link;
use crate::part;
use std::fmt::Write as _;

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
        tolerance: Tolerance { c: chain.tolerance(), size: Size::LargestOfRow, terms: terms(chain, wanted) },
        twin: None,
        fast,
    }
}

/// The texts of the stages.
pub(super) fn stages(chain: &Chain, by_words: bool, parts: &mut Vec<Part>) {
    for link in &chain.links {
        for own in link.stage.parts[usize::from(by_words)] {
            if parts.iter().all(|part| part.file != own.file || part.text != own.text) {
                parts.push(*own);
            }
        }
    }
}

/// A sum over k where the product is in the kernel, and one over the rows of what it gave where a stage has one, against the largest
/// of its row of the tensor: a column's statistics are a few roundings of the largest z, and divide by a deviation that the
/// cases keep near 1. What a stage adds is within its own bound.
fn terms(chain: &Chain, wanted: Wanted) -> fn(&[u8], usize) -> usize {
    fn k(args: &[u8]) -> usize {
        u32::from_le_bytes([args[0], args[1], args[2], args[3]]) as usize
    }
    let has_sums = chain.columns().is_some() || wanted.backward && chain.learns();
    match (wanted.given, has_sums) {
        (true, true) => |_, rows| rows,
        (true, false) => |_, _| 1,
        (false, true) => |args, rows| k(args) + rows,
        (false, false) => |args, _| k(args),
    }
}

/// The texts: what is declared, the stages, and what goes over the rows.
fn parts(chain: &Chain, wanted: Wanted, fields: &[Field], bindings: &[Binding]) -> Vec<Part> {
    let (subgroups, columns) = (wanted.family == Family::Subgroup, chain.columns().is_some());
    let mut parts = head(chain, wanted, fields, bindings);
    // What draws behind an operation that makes rows narrower finds its elements anywhere.
    let anywhere = |(i, link): (usize, &Link)| link.stage.draws && chain.narrows_after(i) > 1;
    let by_words = !wanted.aligned || chain.links.iter().enumerate().any(anywhere);
    stages(chain, by_words, &mut parts);
    let sums = !subgroups && (columns || wanted.backward && chain.learns());
    parts.extend(learned(chain, wanted, sums));
    parts.extend(sums.then_some(part!("block/group_sum.wgsl")));
    parts.extend(sums.then(|| Part::generated("fn group_quads() -> u32 {\n    return 2u;\n}".to_owned())));
    parts.push(Part::generated(product(chain, wanted)));
    parts.push(Part::generated(if wanted.backward { chain.gradients() } else { chain.values() }));
    let kept = if wanted.backward { part!("block/running.wgsl") } else { part!("block/statistics.wgsl") };
    parts.extend(columns.then_some(kept));
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

/// What all kernels begin with: the step, numbers, arguments, bindings and how they are read and written.
pub(super) fn head(chain: &Chain, wanted: Wanted, fields: &[Field], bindings: &[Binding]) -> Vec<Part> {
    let subgroups = wanted.family == Family::Subgroup;
    let quads = if subgroups { part!("shared/quads_u64.wgsl") } else { part!("shared/quads.wgsl") };
    let mut parts = vec![part!("shared/now.wgsl"), part!("shared/numbers.wgsl"), quads];
    parts.push(declarations(fields, bindings, |binding| accessors::form(chain, wanted, binding).is_by_words()));
    parts.push(Part::generated(format!(
        "fn quads_of_row() -> u32 {{\n    return {} / 4u;\n}}",
        if wanted.aligned { "args.n" } else { "(args.n + 3u)" }
    )));
    parts.extend((!wanted.aligned).then_some(part!("block/present.wgsl")));
    parts.extend(accessors::all(chain, wanted, bindings));
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

/// The arguments, and the variables of all bindings.
pub(super) fn declarations(fields: &[Field], bindings: &[Binding], by_words: impl Fn(&str) -> bool) -> Part {
    let declared = declared(fields, bindings, |binding| binding.name != "dy" && !by_words(binding.name));
    Part::generated(format!(
        "// Arguments: k inputs and n outputs of the product; offsets in words; those of each stage.\n{declared}"
    ))
}

/// The weights that a stage learned, for the columns of a thread, and the sums that make their gradients; a group's threads
/// share columns where `sums` says so.
fn learned(chain: &Chain, wanted: Wanted, sums: bool) -> Option<Part> {
    let is_shared = chain.learned()?.1.total.is_some();
    let weights = match is_shared {
        true if accessors::form(chain, wanted, "params").is_by_words() => "vec4f(params[args.learned])",
        true => "vec4f(params_at(args.learned).x)",
        false => "params_at(args.learned + column)",
    };
    let mut text = format!(
        "// The weights that a stage learned, of the thread's columns.\nvar<private> learned: vec4f;\n\n\
         fn learned_begin(column: u32) {{\n    learned = {weights};\n}}"
    );
    if wanted.backward {
        let to = if is_shared { "sums_keep(column" } else { "grads_keep(args.dlearned + column" };
        _ = write!(
            text,
            "\n\n// What the thread's rows add to the gradients by them.\nvar<private> learned_sum: vec4f;\n\n\
             fn learned_end(column: u32) {{\n    {to}, learned_sum);\n}}"
        );
        if sums {
            text += "\n\nfn learned_total() {\n    learned_sum = column_sum(learned_sum);\n}";
        }
    }
    Some(Part::generated(text))
}

/// Where the product goes, what is added to it, and where the gradient finds it.
fn product(chain: &Chain, wanted: Wanted) -> String {
    let kept = if chain.keeps_product() || wanted.given { "zs" } else { "h" };
    let product_at = format!("fn product_at(i: u32) -> vec4f {{\n    return {kept}_at(i);\n}}");
    match (wanted.backward, wanted.given) {
        // The gradient by h, in the first of four where h is narrower, lies where the result will.
        (true, false) => "fn dh_at(i: u32) -> vec4f {\n    return dz_at(i);\n}".to_owned(),
        (true, true) => String::new(),
        (false, true) => product_at,
        (false, false) => {
            let bias = "fn bias_at(column: u32) -> vec4f {\n    return params_at(args.bias + column);\n}\n\n";
            // Rows of W behind the last are read for columns that are not stored.
            let row = if wanted.aligned { "column" } else { "min(column, args.n - 1u)" };
            format!(
                "{}fn weight_of(column: u32) -> u32 {{\n    return args.weight + {row} * args.k;\n}}\n\n\
                 fn product_keep(i: u32, v: vec4f) {{\n    {kept}_keep(i, v);\n}}\n\n{product_at}",
                if wanted.bias { bias } else { "" }
            )
        }
    }
}
