//! Which variants are the fastest on an adapter: every family of products, split and not, and blocks joined and apart.
//!
//! The variants of one work are measured in turn, run by run, so that what else the machine does is the same to all; those
//! that are far from the fastest, once. A product counts as the share that a variant reaches of the fastest at it, and a
//! choice as the mean (geometric) over all products, of which it must have every one. What the fixed table says stays where the gain is no more than noise.

use super::chain::{Chain, Product};
use super::net::{Net, Work};
use super::{Timing, median, run};
use crate::device::Device;
use crate::error::Error;
use crate::op::{Family, Recorder, Target, Variants};
use crate::run::pace::Pace;

/// What is tried of [`Target::groups_wanted`]; those of the fixed table are among them.
pub const GROUPS: [u32; 5] = [1, 2, 16, 64, 256];

/// A gain below this share is noise.
const GAIN: f64 = 1.03;

/// A family that is slower than this at a product of some size is not tried at larger ones: it would take minutes.
const HOPELESS: f64 = 4.0;

/// What is slower than this share of the fastest, when all are warm, is not measured again.
const SLOWER: f64 = 0.5;

/// Operations of such a product, beside which the time of an empty dispatch is nothing.
const SOME_SIZE: f64 = 3e7;

/// Seconds that a product may take, as fast as the largest so far, to be tried: others would take a software driver minutes.
const MOMENT: f64 = 0.3;

/// Limits of a block's products between which the works of [`super::WORKS`] lie, the smallest work first.
const LIMITS: [u64; 4] = [0, 1 << 19, 1 << 27, u64::MAX];

/// One way to take a product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// The kernel family that computed it.
    pub family: Family,
    /// As [`Target::groups_wanted`]; what leads to the same dispatches was measured once.
    pub groups_wanted: u32,
    /// Times per second, the median of the runs.
    pub rate: f64,
}

/// A product and all ways to take it.
#[derive(Clone, Debug, PartialEq)]
pub struct OfProduct {
    /// The product that was measured.
    pub product: Product,
    /// Each way that was measured.
    pub taken: Vec<Taken>,
}

impl OfProduct {
    fn best(&self) -> f64 {
        self.taken.iter().map(|taken| taken.rate).fold(0.0, f64::max)
    }

    /// How often a second it is done with these variants, if that was measured.
    pub fn rate(&self, variants: Variants) -> Option<f64> {
        let same = |t: &&Taken| t.family == variants.product && t.groups_wanted == variants.groups_wanted;
        self.taken.iter().find(same).map(|taken| taken.rate)
    }
}

/// A network whose blocks are joined or apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfNet {
    /// The benchmark network that was measured.
    pub work: Work,
    /// Steps per second with blocks joined.
    pub joined: f64,
    /// Steps per second with every product apart from its stages.
    pub apart: f64,
}

/// Measures products in every way that the device has, the smallest first; `begins` hears of each. What would take long on
/// this device is left out.
///
/// # Errors
/// The device has no room or fails.
pub fn products(
    device: &Device,
    mut products: Vec<Product>,
    timing: Timing,
    mut begins: impl FnMut(&Product),
) -> Result<Vec<OfProduct>, Error> {
    products.sort_by(|a, b| a.flops().total_cmp(&b.flops()));
    let (mut all, mut families): (Vec<OfProduct>, _) = (vec![], device.families());
    for product in products {
        let fastest = all.last().map_or(f64::INFINITY, |last| last.best() * last.product.flops());
        if all.iter().any(|done| done.product == product) || product.flops() / fastest > MOMENT {
            continue;
        }
        begins(&product);
        let of = OfProduct { product, taken: ways(device, product, &families, timing)? };
        let fastest =
            |family| of.taken.iter().filter(|t| t.family == family).map(|taken| taken.rate).fold(0.0, f64::max);
        if product.flops() > SOME_SIZE {
            families.retain(|&family| fastest(family) * HOPELESS > of.best());
        }
        all.push(of);
    }
    Ok(all)
}

/// One product in every way, in turn.
fn ways(device: &Device, product: Product, families: &[Family], timing: Timing) -> Result<Vec<Taken>, Error> {
    // What is the same for the device is measured once: a way's chain is the first with its dispatches.
    let (mut grids, mut chains, mut ways) = (vec![], vec![], vec![]);
    for &family in families {
        for groups_wanted in GROUPS {
            let target = Target { product: family, groups_wanted, ..device.target() };
            let mut rec = Recorder::new(target);
            product.record(&mut rec);
            let grid: Vec<_> = rec.dispatches.iter().map(|d| (d.kernel.name, d.groups)).collect();
            let known = grids.iter().position(|known| *known == grid);
            if known.is_none() {
                grids.push(grid);
                chains.push(Chain::product(product, device, target)?);
            }
            ways.push((family, groups_wanted, known.unwrap_or(chains.len() - 1)));
        }
    }
    let rates = in_turn(&mut chains, timing, Chain::steps)?;
    let taken = ways.into_iter().map(|(family, groups_wanted, at)| Taken { family, groups_wanted, rate: rates[at] });
    Ok(taken.collect())
}

/// Times per second of each of several works: all are warmed up, and then measured run by run.
fn in_turn<T>(
    works: &mut [T],
    timing: Timing,
    steps: fn(&mut T, usize) -> Result<(), Error>,
) -> Result<Vec<f64>, Error> {
    let mut all = vec![];
    for work in works.iter_mut() {
        let mut pace = Pace::new();
        // The first step may wait for the driver's compiler.
        steps(work, 1)?;
        let warm = run(timing.seconds, &mut pace, &mut |count| steps(work, count))?;
        all.push((pace, warm, vec![]));
    }
    let fastest = all.iter().map(|(_, warm, _)| *warm).fold(0.0, f64::max);
    for _ in 0..timing.runs {
        for (work, (pace, warm, rates)) in works.iter_mut().zip(&mut all) {
            if *warm >= fastest * SLOWER {
                rates.push(run(timing.seconds, pace, &mut |count| steps(work, count))?);
            }
        }
    }
    Ok(all.into_iter().map(|(_, warm, rates)| if rates.is_empty() { warm } else { median(&rates) }).collect())
}

/// The family and split that are the best over all products, or the fixed ones.
pub fn choose(all: &[OfProduct], fixed: Variants) -> Variants {
    let mean = |variants: Variants| -> Option<f64> {
        let shares: Option<Vec<f64>> = all.iter().map(|of| Some((of.rate(variants)? / of.best()).ln())).collect();
        shares.map(|shares| (shares.iter().sum::<f64>() / shares.len() as f64).exp())
    };
    let (mut best, mut least) = (fixed, mean(fixed).unwrap_or(0.0) * GAIN);
    for (_, product) in Family::NAMES {
        for groups_wanted in GROUPS {
            // Another family's limit is its own, until it is measured too.
            let block_work = if product == fixed.product { fixed.block_work } else { product.block_work() };
            let variants = Variants { product, groups_wanted, block_work };
            if let Some(mean) = mean(variants).filter(|&mean| mean > least) {
                (best, least) = (variants, mean);
            }
        }
    }
    best
}

/// Measures networks with their blocks joined and apart; `begins` hears of each. One that has no blocks is left out.
///
/// # Errors
/// The device has no room or fails.
pub fn nets(
    device: &Device,
    works: &[Work],
    variants: Variants,
    timing: Timing,
    mut begins: impl FnMut(&Work),
) -> Result<Vec<OfNet>, Error> {
    let mut all = vec![];
    for &work in works {
        begins(&work);
        let net = |block_work| Net::new(work, device, device.target().with(Variants { block_work, ..variants }), None);
        let mut both = [net(u64::MAX)?, net(0)?];
        let rates = in_turn(&mut both, timing, Net::steps)?;
        if both[0].dispatches() != both[1].dispatches() {
            all.push(OfNet { work, joined: rates[0], apart: rates[1] });
        }
    }
    Ok(all)
}

/// Up to how many products a block is one kernel: as the table says, but for the networks that were measured.
pub fn block_work(measured: &[OfNet], table: u64) -> u64 {
    let largest = |work: &Work| work.sizes.windows(2).map(|pair| pair[0] * pair[1] * work.batch).max().unwrap_or(0);
    let mut measured: Vec<(u64, &OfNet)> = measured.iter().map(|of| (largest(&of.work) as u64, of)).collect();
    measured.sort_by_key(|(size, _)| *size);
    let mut limit = table;
    for (size, of) in measured {
        let above = LIMITS.iter().copied().find(|&limit| size <= limit).unwrap_or(u64::MAX);
        let below = LIMITS.iter().copied().rfind(|&limit| limit < size).unwrap_or(0);
        let [as_in_table, other] = if size <= table { [of.joined, of.apart] } else { [of.apart, of.joined] };
        let joined = (size <= table) != (other > as_in_table * GAIN);
        if !joined {
            return limit.min(below);
        }
        limit = limit.max(above);
    }
    limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::WORKS;
    use crate::op::Kind;

    fn of(size: usize, rates: &[(Family, u32, f64)]) -> OfProduct {
        let taken = rates.iter().map(|&(family, groups_wanted, rate)| Taken { family, groups_wanted, rate });
        OfProduct { product: Product::square(size), taken: taken.collect() }
    }

    #[test]
    fn what_the_table_says_is_among_what_is_tried() {
        let gpus = [Kind::SoftwareOf8, Kind::Software, Kind::Hardware].map(Kind::variants);
        assert!(gpus.iter().all(|fixed| GROUPS.contains(&fixed.groups_wanted)));
    }

    #[test]
    fn the_best_over_all_products_is_chosen() {
        let fixed = Kind::Hardware.variants();
        let (tiled, plain) = (Family::Tiled, Family::Plain);
        let rows = |gain: f64| {
            [
                of(64, &[(tiled, 64, 100.0), (tiled, 256, 100.0 * gain), (plain, 1, 300.0)]),
                of(512, &[(tiled, 64, 10.0), (tiled, 256, 10.0 * gain)]),
            ]
        };
        // Plain is fastest where it was measured, but it was not everywhere; and 1 % is noise.
        assert_eq!(choose(&rows(1.1), fixed), Variants { groups_wanted: 256, ..fixed });
        assert_eq!(choose(&rows(1.01), fixed), fixed);
        let both = [of(64, &[(tiled, 64, 1.0), (plain, 1, 5.0)]), of(512, &[(tiled, 64, 2.0), (plain, 1, 1.0)])];
        let expected = Variants { product: plain, groups_wanted: 1, block_work: plain.block_work() };
        assert_eq!(choose(&both, fixed), expected);
    }

    #[test]
    fn blocks_are_joined_as_far_as_that_pays() {
        let [w1, w2, w3] = WORKS;
        let net = |work, joined, apart| OfNet { work, joined, apart };
        let (faster, slower) = ((2.0, 1.0), (1.0, 2.0));
        let works =
            |a: (f64, f64), b: (f64, f64), c: (f64, f64)| [net(w2, c.0, c.1), net(w3, a.0, a.1), net(w1, b.0, b.1)];
        assert_eq!(block_work(&works(faster, faster, faster), 1 << 27), u64::MAX);
        assert_eq!(block_work(&works(faster, faster, slower), u64::MAX), 1 << 27);
        assert_eq!(block_work(&works(faster, slower, faster), u64::MAX), 1 << 19);
        assert_eq!(block_work(&works(slower, faster, faster), 1 << 27), 0);
        // Noise changes nothing, and what was not measured is as in the table.
        assert_eq!(block_work(&works((1.0, 1.01), (1.0, 1.02), (1.01, 1.0)), 1 << 27), 1 << 27);
        assert_eq!(block_work(&[net(w3, 2.0, 1.0)], 1 << 27), 1 << 27);
        assert_eq!(block_work(&[], 5), 5);
    }
}
