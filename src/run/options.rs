//! What a plan is compiled for: the data, and how a network is trained on them.

use crate::nn;

/// What a plan must know of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataShape {
    /// Whether values are bytes.
    pub bytes: bool,
    /// Rows that are there.
    pub rows: usize,
    /// Sizes of one row, as in `[1, 28, 28]`.
    pub row: Vec<usize>,
}

/// Most bytes of the data set that lie on a device at a time, where not all of it does: enough for the device to be at work
/// while the other half is filled.
const WINDOW_BYTES: u64 = 64 << 20;

impl DataShape {
    /// Words that so many rows take on a device.
    pub(super) fn words(&self, rows: usize) -> usize {
        let values = rows * self.row.iter().product::<usize>();
        if self.bytes { values.div_ceil(4) } else { values }
    }

    /// Rows that lie on a device at a time where it takes no more than `limit` bytes of them in one piece: two halves, each of
    /// whole batches in whole words. None if two batches are more than that, or if the window would be no smaller than the data.
    pub(crate) fn window(&self, batch: usize, limit: u64) -> Option<usize> {
        let batches = if self.words(4 * batch) == 4 * self.words(batch) { 1 } else { 4 };
        let unit = 2 * batch * batches;
        // Slots begin and end at whole kibibytes.
        let bytes = limit.min(WINDOW_BYTES) / 1024 * 1024;
        let windows = bytes / (self.words(unit) as u64 * 4).max(1);
        let rows = unit.saturating_mul(usize::try_from(windows).ok()?);
        (rows > 0 && rows < self.rows).then_some(rows)
    }
}

/// How a network is trained, as far as the plan goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainOptions {
    /// Seed of dropout's random numbers.
    pub seed: u64,
    /// The optimiser, with what is done before and after it.
    pub optimizer: nn::Settings,
    /// The rate that the step table starts from.
    pub lr: f64,
    /// Of the training loss; evaluation takes the plain one.
    pub label_smoothing: f64,
    /// How the pictures of training are augmented, if they are.
    pub augment: Option<AugmentShape>,
    /// How many of the first layers, all of them frozen, are computed once for each row; none where all layers run in every step.
    /// A look begins behind them, and the host writes what they made.
    pub keep: Option<usize>,
    /// Rows of the data set that lie on the device at a time, where not all do: two halves of whole batches, which the host fills
    /// in turn in the order of an epoch.
    pub window: Option<usize>,
}

/// What the plan must know of augmentation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugmentShape {
    /// Bytes of the pictures that boxes are cut from; none where those are the rows of the data.
    pub pool: Option<usize>,
    /// Whether a picture is mirrored beyond its edges; else it is black there.
    pub reflect: bool,
    /// Most pixels, in a column or a row, that a pixel of a row is made of.
    pub taps: usize,
    /// Whether contrast is drawn.
    pub contrast: bool,
    /// The largest value of a pixel.
    pub largest: f32,
}

/// What a plan is for, beside evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    /// Training, and the population statistics after it.
    Train(TrainOptions),
    /// A look at each layer of a network in training, without an update.
    Look(TrainOptions),
    /// Evaluation and prediction, without training.
    Predict,
    /// Also predictions with dropout's masks.
    Sample {
        /// Seed of the masks' random numbers.
        seed: u64,
    },
}
