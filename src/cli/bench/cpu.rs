//! What is measured of the CPU path alone: convolutions, beside what its threads can multiply and add.

use super::{Bench, tenth, usage, with_usage};
use crate::bench::{Conv, Timing, peak};
use crate::cli::say::{self, say};
use crate::cli::setting;
use crate::cli::show;
use crate::error::Error;
use serde_json::json;

/// How the peak is measured right before each convolution.
const BESIDE: Timing = Timing { runs: 3, seconds: 0.1 };

impl Bench<'_> {
    fn on_cpu(&self, work: &str) -> Result<(), Error> {
        if self.device.is_cpu() {
            return Ok(());
        }
        Err(setting(format!("{work} is measured on the CPU path alone; add --device cpu")))
    }

    /// The products and sums that all threads do in registers.
    pub(super) fn peak(&self) -> Result<(), Error> {
        self.on_cpu("peak")?;
        let rates = peak(self.timing).times(1e-9);
        if self.args.json {
            let runs: Vec<f64> = rates.runs.iter().map(|&rate| tenth(rate)).collect();
            let object = json!({ "peer": self.peer, "work": "peak", "gflops": tenth(rates.median()), "runs": runs });
            say::json(&with_usage(object, &rates));
            return Ok(());
        }
        let (low, high) = rates.spread();
        let [median, low, high] = [rates.median(), low, high].map(show::number);
        say!("");
        say!("products and sums in registers on all threads: {median} GFLOP/s ({low} to {high})");
        Ok(())
    }

    /// The passes of convolutions.
    pub(super) fn convs(&self, work: &str) -> Result<(), Error> {
        self.on_cpu(work)?;
        let mut rows = vec![];
        for conv in Conv::all() {
            let most = peak(BESIDE).median() / 1e9;
            let rates = conv.measure(self.timing).times(conv.flops() / 1e9);
            let median = rates.median();
            if self.args.json {
                let runs: Vec<f64> = rates.runs.iter().map(|&rate| tenth(rate)).collect();
                let object = json!({
                    "peer": self.peer, "work": work, "product": conv.to_string(), "gflops": tenth(median), "runs": runs,
                    "peak_gflops": tenth(most),
                });
                say::json(&with_usage(object, &rates));
                continue;
            }
            let (low, high) = rates.spread();
            let [own, other] = usage(&rates);
            let spread = format!("{} to {}", show::number(low), show::number(high));
            let share = format!("{:.0} %", median / most * 100.0);
            rows.push(vec![conv.to_string(), show::number(median), spread, show::number(most), share, own, other]);
        }
        if !self.args.json {
            say!("");
            let header = ["convolution", "GFLOP/s", "least to most", "peak", "of the peak", "own CPU", "other CPU"];
            show::table(&header, &rows);
        }
        Ok(())
    }
}
