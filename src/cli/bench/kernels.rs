//! What `--kernels` shows: the time of each kernel in one step, and how much of the device it makes use of.

use crate::bench::{Best, Clock, KernelTime, Profile};
use crate::cli::say::{self, say};
use crate::cli::show;
use serde_json::json;
use std::collections::BTreeMap;

/// A work's name and its kernels.
pub(super) type OfWork = (&'static str, Profile);

/// All dispatches of one kernel.
#[derive(Default)]
struct Sum {
    dispatches: usize,
    seconds: f64,
    flops: f64,
    bytes: f64,
}

fn sums(dispatches: &[KernelTime]) -> Vec<(&'static str, Sum)> {
    let mut sums: BTreeMap<&'static str, Sum> = BTreeMap::new();
    for time in dispatches {
        let sum = sums.entry(time.kernel).or_default();
        sum.dispatches += 1;
        sum.seconds += time.seconds;
        sum.flops += time.flops;
        sum.bytes += time.bytes;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(_, a), (_, b)| b.seconds.total_cmp(&a.seconds));
    sums
}

/// A table of the kernels, the dearest first.
pub(super) fn show(work: &str, profile: &Profile, best: Option<&Best>) {
    let Some(best) = best else { return };
    let all: f64 = profile.dispatches.iter().map(|time| time.seconds).sum();
    let how = match profile.clock {
        Clock::Device => "by the device's timestamps, each dispatch in a pass of its own".to_owned(),
        Clock::Host => "by a clock around each dispatch".to_owned(),
        Clock::Waited(wait) => format!(
            "each waited for, as this device has no timestamps that can be used: a wait is {} µs of each",
            show::number(wait * 1e6)
        ),
    };
    say!("{work}: the kernels of a step, {} µs in all, {how}", show::number(all * 1e6));
    let row = |(kernel, sum): &(&str, Sum)| {
        let per_second = |value: f64| if value > 0.0 { show::number(value / sum.seconds / 1e9) } else { "-".into() };
        vec![
            (*kernel).to_owned(),
            sum.dispatches.to_string(),
            show::number(sum.seconds * 1e6),
            format!("{:.1} %", sum.seconds / all * 100.0),
            per_second(sum.flops),
            per_second(sum.bytes),
            format!("{:.0} %", best.roof(sum.flops, sum.bytes, sum.seconds) * 100.0),
        ]
    };
    let rows: Vec<_> = sums(&profile.dispatches).iter().map(row).collect();
    show::table(&["kernel", "dispatches", "µs", "of the step", "GFLOP/s", "GB/s", "of the roofline"], &rows);
    let (bytes, flops) = (show::number(best.bytes / 1e9), show::number(best.flops / 1e9));
    say!("the roofline: a copy of 128 MiB, {bytes} GB/s, and the product {}, {flops} GFLOP/s", best.product);
}

/// An object for each dispatch.
pub(super) fn json(peer: &str, work: &str, profile: &Profile, best: &Best) {
    for time in &profile.dispatches {
        let KernelTime { kernel, path, seconds, flops, bytes } = time;
        say::json(&json!({
            "peer": peer, "work": work, "kernel": kernel, "path": &**path, "us": seconds * 1e6,
            "gflops": (*flops > 0.0).then(|| flops / seconds / 1e9), "gb_per_s": bytes / seconds / 1e9,
            "roofline": best.roof(*flops, *bytes, *seconds), "clock": profile.clock.name(),
        }));
    }
}

/// What the shares are shares of.
pub(super) fn json_best(peer: &str, best: &Best) {
    say::json(&json!({
        "peer": peer, "work": "roofline", "copy_gb_per_s": best.bytes / 1e9, "product_gflops": best.flops / 1e9,
        "product": best.product.to_string(),
    }));
}
