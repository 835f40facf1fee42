//! `wgrad tune`: measures the variants on a GPU, and keeps the fastest for it.

use super::args::TuneArgs;
use super::bench::timing;
use super::say::{self, note, say};
use super::{setting, show, variants};
use crate::bench::tune::{self, OfNet, OfProduct};
use crate::bench::{Product, Timing, WORKS, Work};
use crate::device::{Cache, Device, tuned};
use crate::error::Error;
use crate::gpu::AdapterReport;
use crate::names::nearest;
use crate::op::Variants;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::fmt::Display;
use std::io::IsTerminal;

/// Sizes of square products; those that would take long are left out.
const SQUARES: [usize; 5] = [256, 512, 1024, 2048, 4096];

/// The name of those.
const GEMM: &str = "gemm";

pub(super) fn run(args: &TuneArgs) -> Result<u8, Error> {
    let (timing, works) = (timing(args.runs, args.seconds)?, works(&args.works)?);
    let cache = Cache::of_user();
    let folder = cache.folder()?;
    args.device.drivers.hush();
    // By the fixed table, whatever is kept.
    let device = Device::open(&args.device.device)?;
    let Some(report) = device.report() else {
        let why = device.why_cpu().map_or(String::new(), |why| format!(" ({why})"));
        return Err(setting(format!("the CPU path has one variant of each kernel: name a GPU with --device{why}")));
    };
    let name = tuned::name(report);
    if args.reset {
        let what = if cache.remove(&name)? { "forgotten" } else { "there was none" };
        note!("the choice for {}: {what}; the fixed table says {}", report.name, variants(report.fixed));
        return Ok(0);
    }
    if !args.json {
        say!("{device}; each variant {} times {} s, in turn", timing.runs, timing.seconds);
    }
    let (chosen, products, nets) = measure(args, &device, report, &works, timing)?;
    if args.json {
        objects(&products, &nets);
    } else {
        tables(&products, &nets, [chosen, report.fixed]);
        say!("");
        say!("fixed    {}", variants(report.fixed));
        say!("chosen   {}", variants(chosen));
    }
    cache.write(&name, tuned::text(report, chosen).as_bytes())?;
    let path = folder.join(name).display().to_string();
    if args.json {
        say::json(&json!({
            "chosen": object(chosen), "fixed": object(report.fixed), "adapter": report.name, "kept": path,
        }));
    } else {
        say!("kept     {path}");
    }
    Ok(0)
}

/// Networks, and whether square products are wanted.
fn works(names: &[String]) -> Result<(Vec<Work>, bool), Error> {
    if names.is_empty() {
        return Ok((WORKS.to_vec(), true));
    }
    let known: Vec<&str> = WORKS.iter().map(|work| work.name).chain([GEMM]).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(setting(format!("there is no work {name:?} to tune for; {}", nearest(name, &known))));
    }
    let asked = |name: &str| names.iter().any(|asked| asked == name);
    Ok((WORKS.into_iter().filter(|work| asked(work.name)).collect(), asked(GEMM)))
}

fn measure(
    args: &TuneArgs,
    device: &Device,
    report: &AdapterReport,
    (works, squares): &(Vec<Work>, bool),
    timing: Timing,
) -> Result<(Variants, Vec<OfProduct>, Vec<OfNet>), Error> {
    let squares = SQUARES.iter().filter(|_| *squares).map(|&size| Product::square(size));
    let all: Vec<Product> = works.iter().flat_map(Product::of_step).chain(squares).collect();
    let shown = std::io::stderr().is_terminal() && !args.json;
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some((all.len() + works.len()) as u64), target);
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {msg}, {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let begins = |what: &dyn Display| {
        bar.set_message(what.to_string());
        bar.inc(1);
    };
    let products = tune::products(device, all.clone(), timing, |product| begins(product))?;
    let chosen = tune::choose(&products, report.fixed);
    let nets = tune::nets(device, works, chosen, timing, |work| begins(&work.name))?;
    bar.finish_and_clear();
    let left: Vec<String> =
        all.iter().filter(|all| products.iter().all(|of| of.product != **all)).map(ToString::to_string).collect();
    if !left.is_empty() {
        note!("left out, as they would take long here: {}", left.join(", "));
    }
    let block_work = tune::block_work(&nets, chosen.block_work);
    Ok((Variants { block_work, ..chosen }, products, nets))
}

fn tables(products: &[OfProduct], nets: &[OfNet], [chosen, fixed]: [Variants; 2]) {
    let families: Vec<_> = crate::op::Family::NAMES.into_iter().collect();
    let row = |of: &OfProduct| {
        let gflops = |rate: f64| show::number(rate * of.product.flops() / 1e9);
        let best = |family| {
            let taken = of.taken.iter().filter(|taken| taken.family == family);
            let best = taken.max_by(|a, b| a.rate.total_cmp(&b.rate));
            best.map_or("-".into(), |best| format!("{} at {}", gflops(best.rate), best.groups_wanted))
        };
        let of_variants = [fixed, chosen].map(|variants| of.rate(variants).map_or("-".into(), gflops));
        let cells = families.iter().map(|(_, family)| best(*family)).chain(of_variants);
        std::iter::once(of.product.to_string()).chain(cells).collect()
    };
    say!("");
    say!("GFLOP/s; of each family the fastest, and the groups for which its sums are split");
    let header = ["product, m x n x k", "plain", "tiled", "subgroup", "fixed", "chosen"];
    show::table(&header, &products.iter().map(row).collect::<Vec<_>>());
    if nets.is_empty() {
        return;
    }
    say!("");
    let per_second = |of: &OfNet, rate: f64| show::thousands((rate * of.work.batch as f64) as u64);
    let row = |of: &OfNet| vec![of.work.name.to_owned(), per_second(of, of.joined), per_second(of, of.apart)];
    show::table(&["samples/s", "blocks joined", "apart"], &nets.iter().map(row).collect::<Vec<_>>());
}

fn objects(products: &[OfProduct], nets: &[OfNet]) {
    for of in products {
        for taken in &of.taken {
            say::json(&json!({
                "product": of.product.to_string(), "family": taken.family.name(), "groups_wanted": taken.groups_wanted,
                "gflops": taken.rate * of.product.flops() / 1e9,
            }));
        }
    }
    for OfNet { work, joined, apart } in nets {
        let batch = work.batch as f64;
        say::json(&json!({ "work": work.name, "joined": joined * batch, "apart": apart * batch }));
    }
}

fn object(Variants { product, groups_wanted, block_work }: Variants) -> serde_json::Value {
    let block_work = (block_work != u64::MAX).then_some(block_work);
    json!({ "products": product.name(), "groups_wanted": groups_wanted, "block_work": block_work })
}
