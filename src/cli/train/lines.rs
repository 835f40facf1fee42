//! Which epochs of a run are printed, and how.

use crate::train::EpochReport;

/// Most lines of a run, beside its first and its last one.
const MOST: u64 = 28;

/// What is said above them.
const NOTE: &str = "not every epoch is shown, but the best is; --verbose shows all";

/// The lines of a run. A run of many epochs is cut into stretches of equally many, and one line is printed of each: the last
/// epoch of it that was better than all before, or else its last epoch. So the best epoch of the run is always among them.
pub(super) struct Lines {
    /// Epochs of a stretch.
    every: u64,
    began: bool,
    /// The line of the stretch so far, and whether it is a best epoch's.
    stretch: Option<(String, bool)>,
    /// The last epoch's line, if it is not printed yet.
    last: Option<String>,
}

impl Lines {
    /// Of a run of so many epochs.
    pub(super) fn new(epochs: u64) -> Self {
        Self { every: epochs.div_ceil(MOST).max(1), began: false, stretch: None, last: None }
    }

    /// Takes what is to be told of an epoch, and gives the lines that are to be printed now.
    pub(super) fn take(&mut self, report: &EpochReport) -> Vec<String> {
        let line = line(report);
        if !std::mem::replace(&mut self.began, true) {
            let mut lines = if self.every > 1 { vec![NOTE.to_owned()] } else { vec![] };
            lines.extend([head(report), line]);
            return lines;
        }
        self.last = Some(line.clone());
        if report.best || self.stretch.as_ref().is_none_or(|(_, best)| !best) {
            self.stretch = Some((line, report.best));
        }
        if !report.epoch.is_multiple_of(self.every) {
            return vec![];
        }
        let told: Vec<String> = self.stretch.take().map(|(line, _)| line).into_iter().collect();
        self.last.take_if(|last| told.contains(last));
        told
    }

    /// What is left to print of a run that has ended.
    pub(super) fn rest(&mut self) -> Vec<String> {
        let best = self.stretch.take().filter(|(_, best)| *best).map(|(line, _)| line);
        let last = self.last.take().filter(|last| best.as_ref() != Some(last));
        best.into_iter().chain(last).collect()
    }
}

fn head(report: &EpochReport) -> String {
    let accuracy = if report.train_accuracy.is_some() { "  accuracy" } else { "" };
    let validation = report.validation.as_ref().map_or(String::new(), |_| format!("  validation loss{accuracy}"));
    format!("epoch  train loss{accuracy}{validation}")
}

fn line(report: &EpochReport) -> String {
    let percent = |share: Option<f64>| share.map_or(String::new(), |share| format!("  {:>6.2} %", share * 100.0));
    let validation = report.validation.as_ref().map_or(String::new(), |v| {
        let mark = match report.best {
            true => "  best",
            false if !report.whole => "  a part of an epoch, never the best",
            false => "",
        };
        format!("  {:>15.4}{}{mark}", v.loss, percent(v.accuracy()))
    });
    format!("{:>5}  {:>10.4}{}{validation}", report.epoch, report.train_loss, percent(report.train_accuracy))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The epochs of the lines that a run prints whose best epochs are these.
    fn told(epochs: u64, best: &[u64]) -> Vec<u64> {
        let mut lines = Lines::new(epochs);
        let report = |epoch| EpochReport {
            epoch,
            step: epoch,
            train_loss: 0.5,
            train_accuracy: None,
            validation: None,
            whole: true,
            best: best.contains(&epoch),
        };
        let mut all: Vec<String> = (1..=epochs).flat_map(|epoch| lines.take(&report(epoch))).collect();
        all.extend(lines.rest());
        all.iter().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
    }

    #[test]
    fn a_long_run_prints_few_lines_and_among_them_the_first_the_best_and_the_last() {
        assert_eq!(told(28, &[3]), (1..=28).collect::<Vec<_>>());
        assert_eq!(told(1, &[1]), [1]);
        assert_eq!(
            told(60, &[1, 2, 4, 5, 58]),
            [1, 2, 5, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48, 51, 54, 57, 58, 60]
        );
        for epochs in [29, 30, 57, 300, 999, 100_000] {
            for best in [1, 2, 17, epochs / 2, epochs - 1, epochs] {
                let told = told(epochs, &[best]);
                assert!(told.len() <= 30 && told.is_sorted_by(|a, b| a < b), "{told:?}");
                assert!(told[0] == 1 && told.contains(&best) && told.last() == Some(&epochs), "{best}: {told:?}");
            }
        }
    }
}
