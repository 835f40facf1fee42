//! The gradient that an operation records against differences of the loss, for a whole network on rows of data.
//!
//! The loss at the end of a path through the weights less that at its start is the integral of the gradient along the path. That
//! holds across the kinks of ReLU and max pooling too, so the gradient is taken at some points of a short path and summed by the
//! trapezoidal rule. How much the slope bends from point to point says what the rule can be off by.
//!
//! Loss and gradient are those of the kernels' twins: functions in float64 that leave float32 between one dispatch and the next.
//! So a loss is known to its rounding only, which is measured here (Hamming's difference table, as in Moré & Wild 2011,
//! "Estimating computational noise"), and paths are so long that it moves a difference by a thousandth of the gradient.
//! Each tensor is moved along some directions: its gradient, random halves of it, and random signs. What a direction gives is a sum,
//! to which an error of a single weight adds little where a tensor has many.

use super::tape::{Batch, Tape};
use crate::error::Error;
use crate::nn::Network;
use crate::op::Class;
use crate::random::{Domain, Stream};
use rand::RngExt;

/// What rounding may move a difference by, as a share of the gradient: this sets the length of paths.
const PRECISION: f64 = 1e-3;

/// Deviations of the rounding that a difference may be off by.
const DEVIATIONS: f64 = 6.0;

/// What float32 leaves of the gradient itself, as a share of it.
const ROUNDED: f64 = 2e-5;

/// The share of the norm of all gradients below which a tensor's is measured against that share: a bias before batch norm has
/// none in truth.
const LEAST: f64 = 1e-3;

/// Directions of random halves, and of random signs.
const RANDOM: [usize; 2] = [2, 2];

/// Parts of a path: the gradient is taken at their ends.
const PARTS: usize = 4;

/// How one tensor's gradient agrees with differences of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorCheck {
    /// The tensor, as the model file names it.
    pub tensor: String,
    /// How many values it has.
    pub elements: usize,
    /// Norm of its gradient.
    pub norm: f64,
    /// The gap between difference and gradient in the direction that is nearest to its bound or furthest beyond it, as a share
    /// of the norm.
    pub error: f64,
    /// What that gap may be, as a share of the norm.
    pub bound: f64,
    /// Directions along which the loss was taken.
    pub directions: usize,
    /// Whether the gap is within the bound in every direction.
    pub ok: bool,
}

/// A bound from which on the check tells nothing: a gradient of half the size would be within it.
const TELLS_NOTHING: f64 = 0.5;

impl TensorCheck {
    /// Whether rounding and kinks leave so little room that a wrong gradient would be seen.
    pub fn tells(&self) -> bool {
        self.bound < TELLS_NOTHING
    }
}

/// Checks the gradient of every trained tensor of a network as it starts from a seed, on one batch in training form: dropout drops
/// by the same mask each time, batch norm takes the batch's statistics. `progress` hears how many tensors are checked, and of how
/// many, before the first and after each.
///
/// # Errors
/// A layer does not fit, or the inputs are no whole rows; the loss is not finite.
pub fn check(
    network: &Network,
    seed: u64,
    batch: &Batch<'_>,
    progress: &dyn Fn(usize, usize),
) -> Result<Vec<TensorCheck>, Error> {
    let mut tape = Tape::of_twins(network, batch)?;
    tape.start(seed)?;
    of_tape(&mut tape, |_, gradient| gradient, progress)
}

/// What is taken for the gradient of a tensor, of what the operations record.
type Taken = fn(&str, Vec<f32>) -> Vec<f32>;

fn of_tape(tape: &mut Tape, taken: Taken, progress: &dyn Fn(usize, usize)) -> Result<Vec<TensorCheck>, Error> {
    let trained = tape.tensors.iter().filter(|tensor| tensor.class == Class::Parameters);
    let names: Vec<String> = trained.map(|tensor| tensor.name.clone()).collect();
    progress(0, names.len());
    let (mut loss, mut gradients) = (0.0, vec![]);
    for name in &names {
        let (at, gradient) = tape.slope(name, 0)?;
        loss = at;
        gradients.push(taken(name, gradient));
    }
    let all = norm(gradients.iter().flatten());
    if !loss.is_finite() || !all.is_finite() {
        let what = format!("the loss is {loss} and the norm of its gradient {all}");
        return Err(Error::Failed(format!(
            "{what} at the first step: start from smaller weights, or normalise the inputs"
        )));
    }
    let mut found = vec![];
    for ((name, gradient), index) in names.iter().zip(&gradients).zip(0..) {
        found.push(of_tensor(tape, (name, taken), gradient, (all, index))?);
        progress(found.len(), names.len());
    }
    Ok(found)
}

fn of_tensor(
    tape: &mut Tape,
    (name, taken): (&str, Taken),
    gradient: &[f32],
    (all, index): (f64, u32),
) -> Result<TensorCheck, Error> {
    let own = norm(gradient);
    let scale = own.max(LEAST * all).max(f64::MIN_POSITIVE);
    let (start, first) = (tape.read(name)?, tape.first_use(name));
    let mut line = Line { tape, name, taken, first, start, gradient, scale, noise: 0.0 };
    let directions = directions(gradient, index);
    line.measure(&directions[0])?;
    let (mut error, mut bound, mut ok) = (0.0f64, ROUNDED, true);
    for direction in &directions {
        let Gap { gap, limit } = line.compare(direction)?;
        if gap / limit >= error / bound {
            (error, bound) = (gap, limit);
        }
        ok &= gap <= limit;
    }
    let start = std::mem::take(&mut line.start);
    tape.set(name, &start)?;
    tape.loss(first)?;
    let (tensor, elements) = (name.to_owned(), gradient.len());
    Ok(TensorCheck { tensor, elements, norm: own, error, bound, directions: directions.len(), ok })
}

fn norm<'a>(values: impl IntoIterator<Item = &'a f32>) -> f64 {
    values.into_iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

/// Directions of length 1: the gradient, random halves of it, and random signs, which also move what has no gradient.
fn directions(gradient: &[f32], index: u32) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(1, Domain::Check, index);
    let signs = |stream: &mut Stream| -> Vec<f64> {
        gradient.iter().map(|_| if stream.random::<bool>() { 1.0 } else { -1.0 }).collect()
    };
    let mut all: Vec<Vec<f64>> = vec![gradient.iter().map(|&g| f64::from(g)).collect()];
    for _ in 0..RANDOM[0] {
        let halves = signs(&mut stream);
        all.push(gradient.iter().zip(halves).map(|(&g, sign)| if sign > 0.0 { f64::from(g) } else { 0.0 }).collect());
    }
    (0..RANDOM[1]).for_each(|_| all.push(signs(&mut stream)));
    let plain = signs(&mut stream);
    for direction in &mut all {
        let length = |d: &[f64]| d.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length(direction) == 0.0 {
            direction.clone_from(&plain);
        }
        let length = length(direction);
        direction.iter_mut().for_each(|v| *v /= length);
    }
    all
}

/// What a direction showed: a gap and what it may be, as shares of the gradient's norm.
#[derive(Clone, Copy, Debug)]
struct Gap {
    gap: f64,
    limit: f64,
}

/// The loss along a line through the weights of one tensor.
struct Line<'a> {
    tape: &'a mut Tape,
    name: &'a str,
    taken: Taken,
    /// The first dispatch that the tensor has a part in.
    first: usize,
    start: Vec<f32>,
    gradient: &'a [f32],
    /// What gaps are measured against.
    scale: f64,
    /// Deviation of the loss by rounding.
    noise: f64,
}

impl Line<'_> {
    /// The weights at a distance along a direction. They are rounded to float32, so paths are taken between what is left.
    fn moved(&self, direction: &[f64], distance: f64) -> Vec<f32> {
        self.start.iter().zip(direction).map(|(&w, d)| (f64::from(w) + distance * d) as f32).collect()
    }

    /// Half the length of the path on which rounding of this deviation moves a difference by the wanted precision.
    fn reach(&self, noise: f64) -> f64 {
        // Weights of 1 are hardly the same network any more.
        (DEVIATIONS * noise / (PRECISION * self.scale)).clamp(1e-6, 0.3)
    }

    /// Measures the rounding of the loss from fourth differences of nine losses close to one another.
    fn measure(&mut self, direction: &[f64]) -> Result<(), Error> {
        let here = self.tape.loss(self.first)?;
        // Half a unit in the last place of each row's loss.
        let least = here.abs().max(1e-3) * f64::from(f32::EPSILON) / 4.0 / (self.tape.rows as f64).sqrt();
        let apart = self.reach(least) / 32.0;
        let mut table: Vec<f64> = vec![];
        for at in -4..=4 {
            let moved = self.moved(direction, f64::from(at) * apart);
            self.tape.set(self.name, &moved)?;
            table.push(self.tape.loss(self.first)? - along(&self.start, &moved, self.gradient));
        }
        for _ in 0..4 {
            table = table.windows(2).map(|pair| pair[1] - pair[0]).collect();
        }
        // The fourth difference of independent errors has 70 times their variance.
        let squares = table.iter().map(|d| d * d).sum::<f64>() / table.len() as f64;
        self.noise = (squares / 70.0).sqrt().max(least);
        Ok(())
    }

    /// Compares along one direction. A path on which the loss bends too much to tell is tried again at a quarter of its length.
    fn compare(&mut self, direction: &[f64]) -> Result<Gap, Error> {
        let reach = self.reach(self.noise);
        let long = self.on_path(direction, reach)?;
        if long.gap <= long.limit {
            return Ok(long);
        }
        let short = self.on_path(direction, reach / 4.0)?;
        Ok(if short.gap <= short.limit { short } else { long })
    }

    fn on_path(&mut self, direction: &[f64], reach: f64) -> Result<Gap, Error> {
        let (mut told, mut slopes, mut ends) = (0.0, vec![], vec![]);
        let mut before: Option<(Vec<f32>, Vec<f32>)> = None;
        for part in 0..=PARTS {
            let moved = self.moved(direction, reach * (2.0 * part as f64 / PARTS as f64 - 1.0));
            self.tape.set(self.name, &moved)?;
            let (loss, gradient) = self.tape.slope(self.name, self.first)?;
            let gradient = (self.taken)(self.name, gradient);
            if let Some((from, old)) = &before {
                told += (along(from, &moved, old) + along(from, &moved, &gradient)) / 2.0;
            }
            slopes.push(gradient.iter().zip(direction).map(|(&g, d)| f64::from(g) * d).sum::<f64>());
            ends.push(loss);
            before = Some((moved, gradient));
        }
        let gap = (ends[PARTS] - ends[0] - told).abs() / (2.0 * reach);
        // A kink within a part changes the slope by what second differences show; the rule is off by half of that at most.
        let bend: f64 = slopes.windows(3).map(|s| (s[2] - 2.0 * s[1] + s[0]).abs()).sum::<f64>() / (2 * PARTS) as f64;
        let rounding = DEVIATIONS * self.noise * 2f64.sqrt() / (2.0 * reach) + ROUNDED * self.scale;
        if !gap.is_finite() || !bend.is_finite() {
            return Ok(Gap { gap: f64::INFINITY, limit: rounding / self.scale });
        }
        Ok(Gap { gap: gap / self.scale, limit: (rounding + bend) / self.scale })
    }
}

/// What a gradient says that the loss changes by between two sets of weights.
fn along(from: &[f32], to: &[f32], gradient: &[f32]) -> f64 {
    let moves = from.iter().zip(to).map(|(&from, &to)| f64::from(to) - f64::from(from));
    moves.zip(gradient).map(|(by, &g)| by * f64::from(g)).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::Head;

    const ROWS: usize = 12;

    fn inputs(features: usize) -> Vec<f32> {
        (0..ROWS * features).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect()
    }

    fn labels() -> Vec<u32> {
        (0..ROWS as u32).map(|row| row % 3).collect()
    }

    fn tape(layers: &[&str], inputs: &[f32], row: &[usize]) -> Tape {
        let layers: Vec<String> = layers.iter().map(|&text| text.into()).collect();
        let network = Network::read(&layers, Head::classes(3), None).unwrap();
        let labels = labels();
        let batch = Batch { row, inputs, targets: &labels, class_weights: None, label_smoothing: 0.1, seed: 5 };
        let mut tape = Tape::of_twins(&network, &batch).unwrap();
        tape.start(5).unwrap();
        tape
    }

    fn found(layers: &[&str], inputs: &[f32], row: &[usize], taken: Taken) -> Vec<TensorCheck> {
        of_tape(&mut tape(layers, inputs, row), taken, &|_, _| ()).unwrap()
    }

    #[test]
    fn gradients_of_all_kinds_of_layers_agree_with_differences() {
        let (tables, pictures) = (inputs(10), inputs(2 * 6 * 6));
        for layers in [
            &["linear 12", "tanh", "linear"][..],
            &["linear 12", "batch_norm", "relu", "dropout 0.3", "linear"],
            &["linear 12", "prelu", "residual(linear 12; silu)", "maxout 2", "gelu", "linear"],
        ] {
            let found = found(layers, &tables, &[10], |_, gradient| gradient);
            assert!(found.iter().all(|check| check.ok && check.bound < 0.02), "{layers:?}: {found:#?}");
        }
        for layers in [
            &["conv 4 kernel=3 padding=1", "batch_norm", "relu", "max_pool 2", "flatten", "linear"][..],
            &["conv 4 kernel=3 padding=1", "relu", "max_pool 2", "conv 4 kernel=3", "relu", "flatten", "linear"],
        ] {
            let found = found(layers, &pictures, &[2, 6, 6], |_, gradient| gradient);
            assert!(found.iter().all(|check| check.ok && check.bound < 0.1), "{layers:?}: {found:#?}");
        }
    }

    /// One percent too much, one half that is missing, and one element in place of another.
    #[test]
    fn a_wrong_gradient_is_seen_and_named() {
        let inputs = inputs(10);
        let takens: [Taken; 3] = [
            |name, g| spoilt(name, g, |g| g.iter_mut().for_each(|g| *g *= 1.01)),
            |name, g| {
                let half = g.len() / 2;
                spoilt(name, g, |g| g[..half].fill(0.0))
            },
            |name, g| spoilt(name, g, |g| g.rotate_left(1)),
        ];
        for layers in [["linear 12", "tanh", "linear"], ["linear 12", "relu", "linear"]] {
            for taken in takens {
                let found = found(&layers, &inputs, &[10], taken);
                let wrong: Vec<&str> = found.iter().filter(|check| !check.ok).map(|check| &*check.tensor).collect();
                assert_eq!(wrong, ["0.weight"], "{found:#?}");
            }
        }
    }

    fn spoilt(name: &str, mut gradient: Vec<f32>, how: impl Fn(&mut Vec<f32>)) -> Vec<f32> {
        if name == "0.weight" {
            how(&mut gradient);
        }
        gradient
    }

    /// Inputs of 0 and biases of 0: every ReLU is at 0, where its slope jumps.
    #[test]
    fn a_kink_at_the_start_is_no_fault() {
        let found = found(&["linear 6", "relu", "linear"], &[0.0; 10 * ROWS], &[10], |_, gradient| gradient);
        assert!(found.iter().all(|check| check.ok), "{found:#?}");
    }
}
