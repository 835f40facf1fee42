//! The learning rate over a run, in the notation of layers: a kind, then `key=value`.
//!
//! Steps count from 0. A length is a number of steps, or of epochs as in `warmup=5epochs`. `one_cycle` is that of PyTorch's
//! `OneCycleLR` with cosines and two phases: Smith & Topin 2018, "Super-convergence"; `cosine` is Loshchilov & Hutter 2017,
//! eq. 5, without restarts, after a linear warm-up (Goyal et al. 2017, section 2.2).

use crate::names::nearest;
use crate::nn::LayerText;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// Steps, or whole epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    count: u64,
    epochs: bool,
}

impl Span {
    const NONE: Self = Self { count: 0, epochs: false };

    const EPOCH: Self = Self { count: 1, epochs: true };

    fn steps(self, steps_per_epoch: u64) -> u64 {
        if self.epochs { self.count.saturating_mul(steps_per_epoch) } else { self.count }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (count, epochs) = text.strip_suffix("epochs").map_or((text, false), |count| (count, true));
        let count =
            count.parse().map_err(|_| format!("{text:?} is neither steps, as in 500, nor epochs, as in 5epochs"))?;
        Ok(Self { count, epochs })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Constant,
    /// Times `factor` after every `every` steps.
    Step {
        every: Span,
        factor: f64,
    },
    /// The same all along.
    Exponential {
        every: Span,
        factor: f64,
    },
    /// Up in a line over `warmup`, then down to the share `end`.
    Cosine {
        warmup: Span,
        end: f64,
    },
    /// From the share `start` up to the rate at the share `peak` of the run, and down to the share `end`.
    OneCycle {
        peak: f64,
        start: f64,
        end: f64,
    },
}

/// A learning rate over a run; it prints back as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    text: LayerText,
    kind: Kind,
}

const KINDS: [&str; 5] = ["constant", "step", "exponential", "cosine", "one_cycle"];

/// The constant schedule: the rate stays.
impl Default for Schedule {
    fn default() -> Self {
        let text = LayerText { kind: KINDS[0].into(), values: vec![], keys: vec![], body: vec![] };
        Self { text, kind: Kind::Constant }
    }
}

impl Schedule {
    /// A cosine from the rate down to 0, without warm-up.
    pub fn cosine() -> Self {
        let text = LayerText { kind: "cosine".into(), values: vec![], keys: vec![], body: vec![] };
        Self { text, kind: Kind::Cosine { warmup: Span::NONE, end: 0.0 } }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text: LayerText = text.parse()?;
        let keys: &[&str] = match text.kind.as_str() {
            "constant" => &[],
            "step" | "exponential" => &["factor", "every"],
            "cosine" => &["warmup", "end"],
            "one_cycle" => &["peak", "start", "end"],
            kind => return Err(format!("there is no schedule {kind:?}; {}", nearest(kind, &KINDS))),
        };
        text.allow(0, keys)?;
        let share = |key: &str, default: f64, lowest: f64| -> Result<f64, String> {
            let value = text.key(key, default)?;
            let what = if lowest > 0.0 { "more than 0 and at most 1" } else { "from 0 to 1" };
            let fits = (lowest..=1.0).contains(&value);
            if fits { Ok(value) } else { Err(format!("{key} must be {what}, not {value}")) }
        };
        let kind = match text.kind.as_str() {
            "step" => {
                let every = span(&text, "every")?.ok_or("step needs a length, as in every=30epochs")?;
                Kind::Step { every: some(every)?, factor: share("factor", 0.1, f64::MIN_POSITIVE)? }
            }
            "exponential" => {
                let every = some(span(&text, "every")?.unwrap_or(Span::EPOCH))?;
                Kind::Exponential { every, factor: share("factor", 0.95, f64::MIN_POSITIVE)? }
            }
            "cosine" => {
                Kind::Cosine { warmup: span(&text, "warmup")?.unwrap_or(Span::NONE), end: share("end", 0.0, 0.0)? }
            }
            "one_cycle" => {
                let (start, end) = (share("start", 0.04, 0.0)?, share("end", 4e-6, 0.0)?);
                Kind::OneCycle { peak: share("peak", 0.3, f64::MIN_POSITIVE)?, start, end }
            }
            _ => Kind::Constant,
        };
        if matches!(kind, Kind::OneCycle { peak: 1.0, .. }) {
            return Err("peak must be less than 1, so that the rate can fall after it".into());
        }
        Ok(Self { text, kind })
    }
}

/// The length that a key gives, if it is there.
fn span(text: &LayerText, key: &str) -> Result<Option<Span>, String> {
    let value = text.keys.iter().find(|(known, _)| known == key).map(|(_, value)| value.parse());
    value.transpose().map_err(|error: String| format!("{key}: {error}"))
}

fn some(every: Span) -> Result<Span, String> {
    if every.count == 0 { Err("every must be at least 1".into()) } else { Ok(every) }
}

/// From `a` to `b` along half a cosine, at the share `at` of the way.
fn cosine(a: f64, b: f64, at: f64) -> f64 {
    b + (a - b) / 2.0 * (1.0 + (PI * at).cos())
}

impl Schedule {
    /// The rate of a step of a run that is `total_steps` long.
    pub fn rate(&self, lr: f64, step: u64, total_steps: u64, steps_per_epoch: u64) -> f32 {
        let (t, total) = (step as f64, total_steps as f64);
        let share = match self.kind {
            Kind::Constant => 1.0,
            Kind::Step { every, factor } => factor.powf((step / every.steps(steps_per_epoch)) as f64),
            Kind::Exponential { every, factor } => factor.powf(t / every.steps(steps_per_epoch) as f64),
            Kind::Cosine { warmup, end } => {
                let warmup = warmup.steps(steps_per_epoch) as f64;
                if t < warmup { (t + 1.0) / warmup } else { cosine(1.0, end, (t - warmup) / (total - warmup)) }
            }
            Kind::OneCycle { peak, start, end } => {
                let top = peak * total - 1.0;
                if t <= top { cosine(start, 1.0, t / top) } else { cosine(1.0, end, (t - top) / (total - 1.0 - top)) }
            }
        };
        (lr * share) as f32
    }

    /// Whether the schedule fits a run.
    ///
    /// # Errors
    /// Says which length is too long for it.
    pub fn check(&self, total_steps: u64, steps_per_epoch: u64) -> Result<(), String> {
        let shorter = |key: &str, span: Span, why: &str| {
            let steps = span.steps(steps_per_epoch);
            let what =
                || format!("the {key} of schedule \"{self}\" is {steps} steps, and the run has {total_steps}: {why}");
            if steps < total_steps { Ok(()) } else { Err(format!("{}, make it shorter or the run longer", what())) }
        };
        match self.kind {
            Kind::Step { every, .. } => shorter("every", every, "the rate would never change"),
            // Without a length it falls by its factor in an epoch, be the run one epoch or more.
            Kind::Exponential { every, .. } if self.text.keys.iter().any(|(key, _)| key == "every") => {
                shorter("every", every, "the rate would not fall by its factor once")
            }
            Kind::Cosine { warmup, .. } => shorter("warmup", warmup, "the rate would never come down"),
            Kind::OneCycle { peak, .. } if peak * total_steps as f64 <= 1.0 => Err(format!(
                "the rise of schedule \"{self}\" is {peak} of the run, and the run has {total_steps} steps: make it longer"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn read(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    #[test]
    fn texts_print_back_and_wrong_ones_are_refused() {
        for text in ["constant", "step every=30epochs factor=0.5", "cosine warmup=500 end=1e-2", "one_cycle peak=0.25"]
        {
            assert_eq!(read(text).to_string(), text);
        }
        assert_eq!(Schedule::default(), read("constant"));
        for (text, named) in [
            ("cosin", "mean cosine?"),
            ("cosine 5", "takes 0 values"),
            ("cosine warm=5", "warmup"),
            ("cosine warmup=5epoch", "5epochs"),
            ("cosine warmup=-5", "warmup"),
            ("cosine end=1.5", "end"),
            ("cosine end=nan", "end"),
            ("step", "every"),
            ("step every=0", "every"),
            ("step every=5 factor=0", "factor"),
            ("exponential every=0epochs", "every"),
            ("one_cycle peak=1", "peak"),
            ("one_cycle peak=0", "peak"),
            ("constant end=1", "end"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn what_does_not_fit_the_run_is_refused() {
        for (text, right, wrong) in [
            ("step every=100", 101, 100),
            ("step every=2epochs", 21, 20),
            ("exponential every=100", 101, 100),
            ("cosine warmup=5epochs", 51, 50),
            ("one_cycle", 4, 3),
        ] {
            assert_eq!(read(text).check(right, 10), Ok(()), "{text}");
            let error = read(text).check(wrong, 10).unwrap_err();
            assert!(error.contains(&wrong.to_string()) && error.contains("run"), "{text}: {error}");
        }
        for text in ["constant", "cosine", "exponential"] {
            assert_eq!(read(text).check(1, 1), Ok(()));
        }
    }

    /// Rates of PyTorch's schedulers over a run, by `tests/schedules/generate.py`: a line is the schedule, lr, total steps,
    /// steps of an epoch, then the rates.
    #[test]
    fn rates_are_those_of_pytorch() {
        let mut kinds = std::collections::BTreeSet::new();
        for line in include_str!("../../tests/schedules/rates.csv").lines() {
            let fields: Vec<&str> = line.split(',').collect();
            let schedule = read(fields[0]);
            let (lr, total, epoch) =
                (fields[1].parse().unwrap(), fields[2].parse().unwrap(), fields[3].parse().unwrap());
            assert_eq!(fields.len() as u64 - 4, total);
            schedule.check(total, epoch).unwrap();
            for (step, want) in fields[4..].iter().enumerate() {
                let (want, got): (f64, f64) =
                    (want.parse().unwrap(), schedule.rate(lr, step as u64, total, epoch).into());
                // One rounding to float32, and those of float64 in schedulers that go from rate to rate.
                assert!((got - want).abs() <= 1e-7 * want.max(lr * 1e-6), "{schedule}, step {step}: {got}, not {want}");
            }
            kinds.insert(fields[0].split(' ').next().unwrap());
        }
        assert_eq!(kinds.len(), KINDS.len());
    }
}
