//! The kernels of stages over pixels: made once for each sequence of stages, family, alignment and step.

use super::super::accessors::Wanted;
use super::super::args::PixelArgs;
use super::super::chain::{Chain, From};
use super::super::kernels::{head, stages};
use super::fast;
use super::fast_backward;
use super::sizes::THREADS;
use crate::kernel::{
    Binding, Fast, Field, Io, Kernel, NOW, Needs, Part, Size, Tolerance, args_of, interned, read, update, write,
};
use crate::op::Family;
use crate::part;

/// What a kernel does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Takes mean and squares of parts of z.
    Moments,
    /// Makes h of z: what the stages give.
    Forward,
    /// Goes back through the stages behind batch norm, and takes the sums of parts for its gradient.
    Sums,
    /// Makes dz, the gradient by z.
    Backward,
}

/// The kernel for a chain; the moments of pixels are those of any.
pub(super) fn kernel(chain: Option<&Chain>, step: Step, wanted: Wanted) -> &'static Kernel {
    let marks = [(wanted.family == Family::Subgroup, "subgroup_"), (!wanted.aligned, "words_")];
    let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    let step_name = match step {
        Step::Moments => "moments",
        Step::Forward => "forward",
        Step::Sums => "sums",
        Step::Backward => "backward",
    };
    let stages = chain.map_or(String::new(), |chain| format!(" {}", chain.name()));
    interned(format!("block.{marks}pixels_{step_name}{stages}"), |name| match chain {
        Some(chain) => make(chain, step, wanted, name),
        None => make(&Chain::none(), step, wanted, name),
    })
}

fn make(chain: &Chain, step: Step, wanted: Wanted, name: &'static str) -> Kernel {
    let behind = chain.args().into_iter().enumerate().map(|(i, (name, arg))| {
        let offset = size_of::<PixelArgs>() + 4 * i;
        Field { name: &*name.leak(), offset, scalar: arg.scalar }
    });
    let fields: Vec<Field> = PixelArgs::FIELDS.iter().copied().chain(behind).collect();
    let bindings = bindings(chain, step);
    let parts = parts(chain, step, wanted, &fields, &bindings);
    let own = chain.clone();
    let fast: Fast = match step {
        Step::Moments => &fast::moments,
        Step::Forward => Box::leak(Box::new(move |args: &[u8], io: &mut Io<'_>| fast::forward(&own, args, io))),
        Step::Sums => Box::leak(Box::new(move |args: &[u8], io: &mut Io<'_>| fast_backward::sums(&own, args, io))),
        Step::Backward => {
            Box::leak(Box::new(move |args: &[u8], io: &mut Io<'_>| fast_backward::gradient(&own, args, io)))
        }
    };
    Kernel {
        name,
        parts: parts.leak(),
        args: fields.leak(),
        bindings: bindings.leak(),
        needs: if wanted.family == Family::Subgroup { Needs::SubgroupsOf8 } else { Needs::Nothing },
        tolerance: tolerance(chain, step),
        twin: None,
        fast: Some(fast),
    }
}

/// Sums over the pixels of a part, or over all where a stage has a statistic of a column, against the largest of their row. Each
/// stage adds what it is off by.
fn tolerance(chain: &Chain, step: Step) -> Tolerance {
    let terms: fn(&[u8], usize) -> usize = match step {
        Step::Moments => |args, _| args_of::<PixelArgs>(&args[..size_of::<PixelArgs>()]).of_part as usize,
        _ if chain.column.is_some() => {
            |args, rows| rows * args_of::<PixelArgs>(&args[..size_of::<PixelArgs>()]).pixels as usize
        }
        _ => |_, _| 1,
    };
    let c = 16.0 + chain.links.iter().map(|link| link.stage.c).sum::<f64>();
    Tolerance { c, size: Size::LargestOfRow, terms }
}

/// The bindings: what is read, the step, what is written.
fn bindings(chain: &Chain, step: Step) -> Vec<Binding> {
    let (columns, zs, keeps) = (chain.column.is_some(), chain.keeps_product(), chain.keeps_gradient());
    let when = |is: bool, binding: Binding| is.then_some(binding);
    let seen = when(chain.from() == From::Output, read("h"));
    let all = match step {
        Step::Moments => vec![Some(read("zs")), Some(NOW), Some(update("parts"))],
        Step::Forward if columns => {
            vec![Some(read("params")), Some(read("parts")), Some(NOW), Some(write("h")), Some(update("zs"))]
        }
        Step::Forward => vec![Some(read("zs")), Some(NOW), Some(write("h"))],
        Step::Sums => vec![
            Some(read("dh")),
            Some(read("zs")),
            seen,
            when(keeps, read("params")),
            Some(NOW),
            when(keeps, write("dz")),
            Some(update("parts")),
            Some(update("state")),
        ],
        Step::Backward if keeps => {
            let read = [read("zs"), read("params"), read("parts"), NOW, update("dz"), update("grads")];
            read.into_iter().map(Some).collect()
        }
        Step::Backward => vec![
            Some(read("dh")),
            when(zs, read("zs")),
            seen,
            when(columns, read("params")),
            when(columns, read("parts")),
            Some(NOW),
            Some(write("dz")),
            when(columns, update("grads")),
        ],
    };
    all.into_iter().flatten().collect()
}

/// The texts: what is declared, the stages, what is done with a unit, and what goes over the units.
fn parts(chain: &Chain, step: Step, wanted: Wanted, fields: &[Field], bindings: &[Binding]) -> Vec<Part> {
    let (columns, subgroups) = (chain.column.is_some(), wanted.family == Family::Subgroup);
    let mut parts = head(chain, wanted, fields, bindings);
    let threads = if subgroups { 8 } else { THREADS };
    parts.push(Part::generated(format!("const THREADS: u32 = {threads}u;")));
    if (step == Step::Moments || columns) && !subgroups {
        parts.push(Part::generated("fn group_quads() -> u32 {\n    return unfolded(args.quads);\n}".to_owned()));
        parts.push(part!("block/group_sum.wgsl"));
    }
    parts.push(part!("block/pixels.wgsl"));
    if step == Step::Moments {
        parts.push(part!("block/pixels_moments.wgsl"));
        return parts;
    }
    let keeps = chain.keeps_gradient();
    let goes_through = step != Step::Backward || !keeps;
    if goes_through {
        stages(chain, !wanted.aligned, &mut parts);
        unit(chain, step, &mut parts);
    }
    parts.extend(match (step, columns) {
        (Step::Forward, true) => vec![part!("block/statistics.wgsl"), part!("block/pixels_forward.wgsl")],
        (Step::Forward, false) => vec![part!("block/pixels_units.wgsl")],
        (Step::Sums, _) => vec![part!("block/running.wgsl"), part!("block/pixels_sums.wgsl")],
        (_, true) if keeps => vec![part!("block/pixels_kept.wgsl"), part!("block/pixels_backward.wgsl")],
        (_, true) => vec![part!("block/pixels_seen.wgsl"), part!("block/pixels_backward.wgsl")],
        (_, false) => vec![part!("block/pixels_take.wgsl"), part!("block/pixels_units.wgsl")],
    });
    parts
}

/// What is done with a pixel or a window.
fn unit(chain: &Chain, step: Step, parts: &mut Vec<Part>) {
    let (columns, pools) = (chain.column.is_some(), chain.pool.is_some());
    let (is_value, again) = (step == Step::Forward, chain.from() == From::Again);
    let first = chain.column.map_or(0, |at| at + 1);
    if columns && step != Step::Backward {
        parts.push(part!("block/pixels_columns.wgsl"));
    }
    if is_value || again {
        parts.push(if columns { part!("block/pixels_normalized.wgsl") } else { part!("block/pixels_elements.wgsl") });
    }
    if is_value || pools {
        parts.push(Part::generated(chain.value_of(first)));
    }
    if pools {
        parts.push(part!("block/pixels_larger.wgsl"));
    }
    if !is_value {
        parts.push(Part::generated(chain.gradients()));
    }
    // A gradient that is only looked at in the last loop is no unit of its own.
    if columns && step == Step::Backward {
        return;
    }
    parts.push(match (is_value, pools) {
        (true, false) => part!("block/pixels_value.wgsl"),
        (true, true) => part!("block/pixels_pool_value.wgsl"),
        (false, true) => part!("block/pixels_pool_gradient.wgsl"),
        (false, false) if again => part!("block/pixels_gradient_again.wgsl"),
        (false, false) => part!("block/pixels_gradient_seen.wgsl"),
    });
}
