//! How many turns the loops of a kernel take. Mesa's software driver counts the turns of all loops of one invocation, ends the
//! loops after [`MESA_TURNS`] turns, and reports nothing. So a plan for it must stay below that number.
//!
//! The numbers are upper bounds for the thread that has most to do, read off the loops of the WGSL. A test holds that every
//! kernel with a loop is known here.

use super::Dispatch;
use std::sync::Arc;

/// Turns that Mesa's software driver does, of all loops of one invocation together: `LP_MAX_TGSI_LOOP_ITERATIONS` in its
/// source (22.3 to 25.0).
pub const MESA_TURNS: u32 = 65_535;

/// Turns of a loop that is left after so many times, with so many turns of inner loops each time.
const fn turns_of(times: usize, inner: usize) -> usize {
    times * (inner + 1) + 1
}

/// Turns of the tree that adds 256 lanes or fewer.
const TREE: usize = 9;

/// Turns of the ten rounds of Philox.
const PHILOX: usize = turns_of(10, 0);

/// Properties of a block, beside its sizes, that its turns depend on.
#[derive(Clone, Copy, Debug)]
pub struct BlockKind {
    /// Whether it is of the family of subgroups.
    pub subgroups: bool,
    /// Whether a row's width is a multiple of four; where not, each draw takes two blocks of random numbers.
    pub aligned: bool,
    /// Stages that draw random numbers.
    pub draws: usize,
}

impl BlockKind {
    fn philox(self, times: usize) -> usize {
        self.draws * times * PHILOX * if self.aligned { 1 } else { 2 }
    }
}

/// Turns of a block's value: k is the width of x.
pub fn block_forward(kind: BlockKind, rows: usize, k: usize) -> usize {
    let philox = kind.philox(1);
    if kind.subgroups {
        let product = turns_of(rows.div_ceil(32), turns_of(k.div_ceil(4), 0) + turns_of(8, 0));
        return product + 2 * turns_of(rows, 0) + turns_of(rows, philox);
    }
    let own = rows.div_ceil(128);
    turns_of(own, turns_of(k.div_ceil(16), turns_of(16, 0))) + 2 * turns_of(own, 0) + turns_of(own, philox) + 3 * TREE
}

/// Turns of a block's gradient: k is the width of dy. Where it is read off h, `draws` is 0: no mask is drawn again.
pub fn block_backward(kind: BlockKind, rows: usize, k: usize) -> usize {
    let philox = kind.philox(2);
    if kind.subgroups {
        return turns_of(rows.div_ceil(32), turns_of(k, 0) + turns_of(8, 0)) + 2 * turns_of(rows, philox);
    }
    let own = rows.div_ceil(128);
    let copies = turns_of(8, 0);
    turns_of(own, turns_of(k.div_ceil(16), copies + turns_of(16, 0))) + 2 * turns_of(own, philox) + 3 * TREE
}

/// Turns of the `head` kernels, whose layer has k inputs; none where the logits are given.
pub fn head(subgroups: bool, rows: usize, classes: usize, k: usize) -> usize {
    let product = match (k, subgroups) {
        (0, _) => 0,
        (_, true) => {
            turns_of((rows.div_ceil(8) * classes.div_ceil(8)).div_ceil(32), turns_of(k.div_ceil(4), 0) + turns_of(8, 0))
        }
        (_, false) => turns_of((rows * classes).div_ceil(256), turns_of(k.div_ceil(4), 0)),
    };
    product + turns_of(rows.div_ceil(256), 3 * turns_of(classes, 0)) + TREE
}

/// Turns that the sum of a product's parts takes before them.
fn head_parts(rows: usize, classes: usize, parts: usize) -> usize {
    turns_of((rows * classes).div_ceil(256), turns_of(parts, 0))
}

/// Turns of a product's kernel for a part of a sum: a round of tiles copies and multiplies 16 at a time.
fn product(kernel: &str, part: usize) -> usize {
    let rounds = part.div_ceil(16);
    match kernel {
        _ if kernel.starts_with("plain") => turns_of(part, 0),
        _ if kernel.starts_with("subgroup") => turns_of(part.div_ceil(4), 0) + turns_of(16, 0),
        _ if kernel.starts_with("cooperative") => turns_of(4, turns_of(rounds, turns_of(8, 0)) + 4 * turns_of(16, 0)),
        _ => turns_of(rounds, turns_of(16, 0)),
    }
}

/// The sizes of a dispatch, by the names that its kernel gives them; 0 for what it has not.
struct Sizes<'a>(&'a Dispatch);

impl Sizes<'_> {
    fn arg(&self, name: &str) -> usize {
        let field = self.0.kernel.args.iter().find(|field| field.name == name);
        let bytes = field.and_then(|field| self.0.args.get(field.offset..field.offset + 4));
        bytes.map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    /// Words of a tensor at the batch's capacity.
    fn words(&self, name: &str) -> usize {
        let place = self.0.kernel.bindings.iter().position(|binding| binding.name == name);
        place.and_then(|place| self.0.words.get(place)).copied().unwrap_or(0)
    }

    /// Turns of the gather that begins a step.
    fn gather(&self, part: &str) -> usize {
        let threads = self.0.groups.iter().map(|&groups| groups as usize).product::<usize>() * 256;
        let features = self.arg("features");
        let of_row = if part.ends_with("words") { features } else { features / 4 };
        let rows = self.words("x") / features.max(1);
        self.lanes(rows, (threads / of_row.max(1)).max(1)) + self.lanes(self.words("batch_target"), threads)
    }

    /// Turns of a block.
    fn block(&self, part: &str, subgroups: bool) -> usize {
        let per = |tensor: &str, size: &str| self.words(tensor) / self.arg(size).max(1);
        let Dispatch { kernel, .. } = self.0;
        let binds_h = kernel.bindings.iter().any(|binding| binding.name == "h");
        let (forward, aligned) = (part.contains("forward"), !part.contains("words") && !part.contains("narrow"));
        let thresholds = kernel.args.iter().filter(|field| field.name.ends_with("threshold")).count();
        let draws = if forward || !binds_h { thresholds } else { 0 };
        let kind = BlockKind { subgroups, aligned, draws };
        match forward {
            // Given what the product gave, a kernel has its rows, and those of saved, in zs.
            true if part.contains("given") => block_forward(kind, per("zs", "n"), 0),
            true => block_forward(kind, per("x", "k"), self.arg("k")),
            false => block_backward(kind, per("dz", "n"), self.arg("k")),
        }
    }

    /// Turns of a loop in which so many lanes take one item each.
    fn lanes(&self, count: usize, lanes: usize) -> usize {
        turns_of(count.div_ceil(lanes), 0)
    }
}

/// Turns of a kernel over the pixels of images: at most two loops over its own units, with two over the pixels of a window in each, and
/// two over the parts whose sums it adds up.
pub fn over_pixels(subgroups: bool, [own, quads, pool]: [usize; 3], parts: usize) -> usize {
    let threads = if subgroups { 1 } else { 256 / quads.max(1) };
    let of_unit = if pool > 1 { 2 * turns_of(pool * pool, 0) } else { 0 };
    2 * turns_of(own.div_ceil(threads), of_unit) + 2 * turns_of(parts.div_ceil(threads), 0) + 3 * TREE
}

/// The turns that the loops of one invocation take at most, at the batch's capacity; none where the kernel is not known to have
/// a loop.
pub fn turns(dispatch: &Dispatch) -> Option<usize> {
    let s = Sizes(dispatch);
    let (op, part) = dispatch.kernel.name.split_once('.')?;
    let per = |tensor: &str, size: &str| s.words(tensor) / s.arg(size).max(1);
    let subgroups = part.contains("subgroup");
    Some(match (op, part) {
        ("cross_entropy", "forward") => 3 * turns_of(s.arg("classes"), 0),
        ("one_hot", "squared_forward" | "logistic_forward") => turns_of(s.arg("outputs"), 0),
        ("mse" | "huber" | "binary_cross_entropy", "forward") => turns_of(s.arg("outputs"), 0),
        ("metrics", "step") => s.lanes(s.words("row_loss"), 64) + TREE,
        ("batch_norm", "stats") => 2 * (s.lanes(per("x", "features"), 64) + TREE),
        ("batch_norm", "grad_affine") => s.lanes(per("x", "features"), 64) + TREE,
        // The tree adds the lanes eight times; the last loop writes the counts, two at a time.
        ("health", _) => 2 * s.lanes(per("x", "features"), 64) + 8 * TREE + turns_of(6, 0),
        ("max_pool" | "avg_pool", _) => {
            let kernel = s.arg("kernel");
            let windows = if part == "forward" { kernel } else { kernel.div_ceil(s.arg("stride").max(1)) };
            turns_of(windows, turns_of(windows, 0))
        }
        ("global_avg_pool", "forward") => s.lanes(s.arg("pixels"), 64) + TREE,
        ("conv", "grad_bias") => s.lanes(per("dy", "features"), 64) + TREE,
        ("conv", "subgroup_quads_grad_weight" | "subgroup_words_grad_weight") => {
            turns_of(s.arg("part").div_ceil(2), 0) + turns_of(16, 0)
        }
        ("conv", _) => product(part, s.arg("part")) + turns_of(s.arg("kernel"), turns_of(s.arg("kernel"), 1)),
        ("prelu", "grad_alpha") => s.lanes(per("x", "features"), 64) + TREE,
        ("prelu", "sum_alpha") => s.lanes(s.arg("features"), 64) + TREE,
        ("max_norm", _) => 2 * s.lanes(s.arg("width"), 64) + TREE,
        ("maxout", _) => 2 * turns_of(s.arg("pieces"), 0),
        ("augment", "pictures") => turns_of(s.arg("taps"), turns_of(s.arg("taps"), 0)),
        ("augment", _) => 2 * s.lanes(s.arg("features"), 64) + TREE,
        ("clip", "squares") => s.lanes(s.arg("chunk"), 64) + TREE,
        ("clip", "scale") => s.lanes(s.arg("chunks"), 64) + TREE + turns_of(4, 0),
        ("loss_scale", "divide") => s.lanes(s.arg("chunk"), 64) + turns_of(64, 0),
        ("loss_scale", "judge") => s.lanes(s.arg("chunks"), 64) + turns_of(64, 0),
        ("dropout", "mask" | "mask_images") => PHILOX,
        ("gather", _) if part.contains("first") => s.gather(part),
        ("block", _) if part.contains("pixels") => {
            over_pixels(subgroups, [s.arg("own"), s.arg("quads"), s.arg("pool")], per("parts", "n") / 2)
        }
        ("block", _) => s.block(part, subgroups),
        ("head", _) => {
            let (rows, outputs, parts) = (per("d_outputs", "outputs"), s.arg("outputs"), s.arg("parts"));
            head(subgroups, rows, outputs, s.arg("k")) + if parts > 0 { head_parts(rows, outputs, parts) } else { 0 }
        }
        ("matmul", "column_sums") => turns_of(per("dy", "columns"), 0),
        ("matmul", _) if part.starts_with("sum_parts") => turns_of(s.arg("parts"), 0),
        ("matmul", "jobs_tiled") => {
            let rows = per("dy0", "m0");
            turns_of(rows.div_ceil(16), turns_of(16, 0)) + turns_of(rows, 0)
        }
        ("matmul", _) if part.starts_with("jobs") => turns_of(per("dy0", "m0"), 0) + turns_of(8, turns_of(8, 0)),
        ("matmul", _) => product(part, s.arg("part")),
        _ => return None,
    })
}

/// Why a target cannot take a dispatch. The path is the layer's, as in `3.batch_norm`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// Its grid is larger than a GPU allows.
    #[error(
        "layer {path}: {kernel} needs {groups:?} workgroups, but a GPU allows at most {most} in one dimension: make the layer \
         or the batch smaller, or use `device = cpu`"
    )]
    Grid {
        /// Path of the layer for which it runs.
        path: Arc<str>,
        /// Name of the kernel.
        kernel: &'static str,
        /// Workgroups in each dimension.
        groups: [u32; 3],
        /// Most workgroups in one dimension.
        most: u32,
    },
    /// Its loops take more turns than the driver runs.
    #[error(
        "layer {path}: the loops of {kernel} would take {turns} turns, and this driver ends them after {most}: use \
         `device = cpu`, or make the batch or the layer smaller"
    )]
    Turns {
        /// Path of the layer for which it runs.
        path: Arc<str>,
        /// Name of the kernel.
        kernel: &'static str,
        /// Turns of all loops of one invocation together.
        turns: usize,
        /// Most turns that the driver runs.
        most: u32,
    },
}

/// Why a target with these limits cannot take a dispatch, if it cannot: workgroups in one dimension, and turns.
pub(super) fn fault(dispatch: &Dispatch, most_groups: u32, most_turns: u32) -> Option<DispatchError> {
    let Dispatch { kernel, groups, path, .. } = dispatch;
    let (path, kernel, groups) = (Arc::clone(path), kernel.name, *groups);
    if groups.iter().any(|&count| count > most_groups) {
        return Some(DispatchError::Grid { path, kernel, groups, most: most_groups });
    }
    let turns = turns(dispatch).filter(|&turns| turns > most_turns as usize)?;
    Some(DispatchError::Turns { path, kernel, turns, most: most_turns })
}
