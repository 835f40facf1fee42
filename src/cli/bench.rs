//! `wgrad bench`: networks, products and an empty dispatch, each measured several times.

use super::args::BenchArgs;
use super::say::{self, say};
use super::show;
use super::{open_device, setting, target};
use crate::bench::{Best, Chain, Net, OF_IMAGES, OTHERS, Product, Rates, Timing, WORKS, Work};
use crate::bench::{empty_dispatch, measure, peak_rss, since_process_start};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Precision;
use crate::names::nearest;
use crate::op::Target;
use serde_json::{Value, json};
use std::time::Instant;

mod cpu;
mod kernels;

/// Sizes of square products.
const SQUARES: [usize; 4] = [512, 1024, 2048, 4096];

/// Those of `gemm`: the largest takes a software driver half a minute each.
const COMMON: usize = 3;

/// Cores that other processes may take before a measurement says little.
const QUIET: f64 = 0.15;

/// What can be asked for.
#[derive(Clone)]
enum Asked {
    Net(Work),
    Products(Vec<(String, Product)>),
    Dispatch,
    Peak,
    /// Convolutions, and the name they are asked for by.
    Convs(&'static str),
}

/// What all works share.
struct Bench<'a> {
    device: &'a Device,
    target: Target,
    timing: Timing,
    args: &'a BenchArgs,
    peer: String,
    /// Seconds from the start of the process to the first work.
    opened: Option<f64>,
    /// Seconds of an empty dispatch, on a GPU, once it is known.
    empty: Option<f64>,
    /// What the device does at best, once it is known.
    best: Option<Best>,
}

pub(super) fn run(args: &BenchArgs) -> Result<u8, Error> {
    let timing = timing(args.runs, args.seconds)?;
    if args.steps_per_submission == Some(0) {
        return Err(setting("--steps-per-submission must be at least 1"));
    }
    let words: Vec<&str> = args.works.iter().map(String::as_str).collect();
    let works = if words.is_empty() { WORKS.iter().map(|work| Asked::Net(*work)).collect() } else { asked(&words)? };
    let device = open_device(args.precision, &args.device, !args.json)?;
    let peer = match device.report() {
        None => "wgrad cpu".to_owned(),
        Some(report) if args.precision == Precision::F16 => format!("wgrad {}, float16", report.name),
        Some(report) => format!("wgrad {}", report.name),
    };
    let target = target(&device, args.no_fuse);
    let opened = since_process_start();
    let mut bench = Bench { device: &device, target, timing, args, peer, opened, empty: None, best: None };
    if !args.json {
        say!("{device}; median of {} of {} s each", runs(timing.runs), timing.seconds);
    }
    bench.all(&works)?;
    Ok(0)
}

fn runs(count: usize) -> String {
    format!("{count} run{}", if count == 1 { "" } else { "s" })
}

/// What `--runs` and `--seconds` ask for.
pub(super) fn timing(runs: usize, seconds: f64) -> Result<Timing, Error> {
    if runs == 0 {
        return Err(setting("--runs must be at least 1"));
    }
    if !(seconds > 0.0 && seconds <= 3600.0) {
        return Err(setting(format!("--seconds must be more than 0 and at most 3600, not {seconds}")));
    }
    Ok(Timing { runs, seconds })
}

/// The works of some names.
fn asked(names: &[&str]) -> Result<Vec<Asked>, Error> {
    let square = |size: usize| (format!("gemm{size}"), Product::square(size));
    let all: Vec<(String, Asked)> = WORKS
        .iter()
        .chain(&OTHERS)
        .chain(&OF_IMAGES)
        .map(|work| (work.name.to_owned(), Asked::Net(*work)))
        .chain(SQUARES.iter().map(|&size| (square(size).0, Asked::Products(vec![square(size)]))))
        .chain([("gemm".to_owned(), Asked::Products(SQUARES[..COMMON].iter().map(|&size| square(size)).collect()))])
        .chain(WORKS.iter().map(|work| {
            let name = format!("gemm{}", work.name);
            let products = Product::of_step(work).into_iter().map(|product| (name.clone(), product));
            (name.clone(), Asked::Products(products.collect()))
        }))
        .chain([("gemmw5".to_owned(), Asked::Convs("gemmw5"))])
        .chain([("dispatch".to_owned(), Asked::Dispatch), ("peak".to_owned(), Asked::Peak)])
        .collect();
    let known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let mut works = vec![];
    for name in names {
        let found = all.iter().find(|(known, _)| known == name);
        let found = found.ok_or_else(|| setting(format!("there is no work {name:?}; {}", nearest(name, &known))))?;
        works.push(found.1.clone());
    }
    Ok(works)
}

impl Bench<'_> {
    fn all(&mut self, works: &[Asked]) -> Result<(), Error> {
        let (mut nets, mut products, mut profiles) = (vec![], vec![], vec![]);
        for work in works {
            match work {
                Asked::Net(work) => {
                    let (row, profile) = self.net(*work)?;
                    nets.push(row);
                    profiles.extend(profile);
                }
                Asked::Products(all) => {
                    for (name, product) in all {
                        products.push(self.product(name, *product)?);
                    }
                }
                Asked::Dispatch => self.dispatch()?,
                Asked::Peak => self.peak()?,
                Asked::Convs(work) => self.convs(work)?,
            }
        }
        if self.args.json {
            return Ok(());
        }
        self.table(&nets);
        if !products.is_empty() {
            say!("");
            show::table(&["product, m x n x k", "GFLOP/s", "least to most", "own CPU", "other CPU"], &products);
        }
        for (work, profile) in &profiles {
            say!("");
            kernels::show(work, profile, self.best.as_ref());
        }
        Ok(())
    }

    /// Measures a network: its line of the table, and the time of each of its kernels, if they are asked for.
    fn net(&mut self, work: Work) -> Result<(NetRow, Option<kernels::OfWork>), Error> {
        let started = Instant::now();
        let mut net = Net::new(work, self.device, self.target, self.args.steps_per_submission)?;
        net.steps(1)?;
        let first_step = self.opened.map(|opened| opened + started.elapsed().as_secs_f64());
        net.host_seconds();
        let rates = measure(self.timing, |steps| net.steps(steps))?;
        let on_gpu = !self.device.is_cpu();
        let (step, host) = (1.0 / rates.median(), on_gpu.then(|| net.host_seconds()));
        let rss = peak_rss();
        let dispatches = net.dispatches();
        let floor = self.empty()?.map(|empty| empty * dispatches as f64 / step);
        let (bytes, rows) = (net.compiled().plan.bytes(), work.rows(&self.target));
        let row = NetRow {
            work,
            rates: rates.times(work.batch as f64),
            step,
            dispatches,
            host,
            floor,
            bytes,
            first_step,
            rss,
            rows,
        };
        if self.args.json {
            say::json(&row.object(&self.peer, self.empty));
        }
        if !self.args.kernels {
            return Ok((row, None));
        }
        let best = self.best()?;
        let profile = net.profile(step, !on_gpu)?;
        if self.args.json {
            kernels::json(&self.peer, work.name, &profile, &best);
        }
        Ok((row, Some((work.name, profile))))
    }

    /// The time of an empty dispatch; on the CPU path it is too little to ask for.
    fn empty(&mut self) -> Result<Option<f64>, Error> {
        if self.empty.is_none() && !self.device.is_cpu() {
            self.empty = Some(empty_dispatch(self.device)?);
        }
        Ok(self.empty)
    }

    fn best(&mut self) -> Result<Best, Error> {
        let best = match self.best {
            Some(best) => best,
            None => Best::measure(self.device, self.target)?,
        };
        if self.best.is_none() && self.args.json {
            kernels::json_best(&self.peer, &best);
        }
        self.best = Some(best);
        Ok(best)
    }

    fn product(&self, work: &str, product: Product) -> Result<Vec<String>, Error> {
        let mut chain = Chain::product(product, self.device, self.target)?;
        let rates = measure(self.timing, |steps| chain.steps(steps))?.times(product.flops() / 1e9);
        if self.args.json {
            say::json(&with_usage(
                json!({
                    "peer": self.peer, "work": work, "product": product.to_string(), "gflops": tenth(rates.median()),
                    "runs": rates.runs.iter().map(|&rate| tenth(rate)).collect::<Vec<_>>(),
                }),
                &rates,
            ));
        }
        let (low, high) = rates.spread();
        let [own, other] = usage(&rates);
        let spread = format!("{} to {}", show::number(low), show::number(high));
        Ok(vec![product.to_string(), show::number(rates.median()), spread, own, other])
    }

    fn dispatch(&self) -> Result<(), Error> {
        let mut chain = Chain::empty(self.device)?;
        let rates = measure(self.timing, |steps| chain.steps(steps))?.times(chain.dispatches() as f64);
        let us = |rate: f64| 1e6 / rate;
        if self.args.json {
            say::json(&with_usage(
                json!({
                    "peer": self.peer, "work": "dispatch", "us_per_dispatch": us(rates.median()),
                    "runs": rates.runs.iter().map(|&rate| us(rate)).collect::<Vec<_>>(),
                }),
                &rates,
            ));
            return Ok(());
        }
        let ((low, high), median) = (rates.spread(), show::number(us(rates.median())));
        let (low, high) = (show::number(us(high)), show::number(us(low)));
        say!("");
        say!("an empty dispatch that waits for the one before takes {median} µs ({low} to {high})");
        Ok(())
    }

    fn table(&self, rows: &[NetRow]) {
        if rows.is_empty() {
            return;
        }
        say!("");
        let header = [
            "work",
            "batch",
            "samples/s",
            "least to most",
            "µs/step",
            "dispatches",
            "host µs/step",
            "memory",
            "first step",
            "peak RSS",
            "own CPU",
            "other CPU",
        ];
        show::table(&header, &rows.iter().map(NetRow::cells).collect::<Vec<_>>());
        for row in rows.iter().filter(|row| row.rows < row.rows_elsewhere()) {
            let rows = show::thousands(row.rows as u64);
            say!("{} has {rows} rows here: a binding of this device holds no more", row.work.name);
        }
        let busy = |row: &&NetRow| row.rates.usage.is_some_and(|usage| usage.other > QUIET);
        if rows.iter().any(|row| busy(&row)) {
            say!("other processes took more than {QUIET} cores meanwhile: the times of such a line say little");
        }
        if let Some(empty) = self.empty {
            let share = |row: &NetRow| format!("{} {:.0} %", row.work.name, row.floor.unwrap_or_default() * 100.0);
            let shares: Vec<String> = rows.iter().map(share).collect();
            let us = show::number(empty * 1e6);
            say!("an empty dispatch takes {us} µs: a step's dispatches alone are, of its time, {}", shares.join(", "));
        }
    }
}

/// What was measured of a network.
struct NetRow {
    work: Work,
    /// Samples per second.
    rates: Rates,
    /// Seconds.
    step: f64,
    dispatches: usize,
    /// Seconds of the host for a step, on a GPU.
    host: Option<f64>,
    /// What the step's dispatches would take if they did nothing, as a share of the step.
    floor: Option<f64>,
    bytes: u64,
    first_step: Option<f64>,
    rss: Option<u64>,
    rows: usize,
}

impl NetRow {
    fn rows_elsewhere(&self) -> usize {
        self.work.rows(&Target::CPU)
    }

    fn object(&self, peer: &str, empty: Option<f64>) -> Value {
        let object = json!({
            "peer": peer, "work": self.work.name, "batch": self.work.batch, "rows": self.rows,
            "median": tenth(self.rates.median()),
            "runs": self.rates.runs.iter().map(|&rate| tenth(rate)).collect::<Vec<_>>(),
            "us_per_step": self.step * 1e6, "dispatches": self.dispatches,
            "host_us_per_step": self.host.map(|host| host * 1e6), "first_step_s": self.first_step.map(hundredth),
            "rss_mb": self.rss.map(|rss| (rss as f64 / f64::from(1 << 20)).round()), "bytes": self.bytes,
            "us_per_empty_dispatch": empty.map(|empty| empty * 1e6), "dispatch_share": self.floor,
        });
        with_usage(object, &self.rates)
    }

    fn cells(&self) -> Vec<String> {
        let (low, high) = self.rates.spread();
        let count = |value: f64| show::thousands(value.round() as u64);
        let none = || "-".to_owned();
        let [own, other] = usage(&self.rates);
        vec![
            self.work.name.to_owned(),
            self.work.batch.to_string(),
            count(self.rates.median()),
            format!("{} to {}", count(low), count(high)),
            show::number(self.step * 1e6),
            self.dispatches.to_string(),
            self.host.map_or_else(none, |host| show::number(host * 1e6)),
            show::bytes(self.bytes),
            self.first_step.map_or_else(none, |seconds| format!("{seconds:.2} s")),
            self.rss.map_or_else(none, show::bytes),
            own,
            other,
        ]
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// An object with the cores that this process and others took; the others can seem to take a little less than nothing.
fn with_usage(mut object: Value, rates: &Rates) -> Value {
    object["own_cpu"] = json!(rates.usage.map(|usage| hundredth(usage.own)));
    object["other_cpu"] = json!(rates.usage.map(|usage| hundredth(usage.other)));
    object
}

fn usage(rates: &Rates) -> [String; 2] {
    rates.usage.map_or(["-".into(), "-".into()], |usage| {
        [usage.own, usage.other].map(|cores| format!("{:.2}", cores.max(0.0)))
    })
}
