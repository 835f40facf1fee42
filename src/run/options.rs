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

impl DataShape {
    /// Words that the data take on a device.
    pub(super) fn words(&self) -> usize {
        let values = self.rows * self.row.iter().product::<usize>();
        if self.bytes { values.div_ceil(4) } else { values }
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
    pub keep: Option<usize>,
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
    /// Evaluation and prediction, without training.
    Predict,
    /// Also predictions with dropout's masks.
    Sample {
        /// Seed of the masks' random numbers.
        seed: u64,
    },
}
