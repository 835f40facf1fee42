//! The flags of `train` and `plan`: every key of a recipe is one.

use super::args::DeviceArg;
use crate::train::Recipe;
use clap::Args;
use std::path::PathBuf;

/// What a run cannot change when it goes on: other rows, another order or another network would be another run, another
/// optimiser would find the states of this one, and by another measure the best so far is no number to compare with.
const FIXED: [&str; 21] = [
    "data",
    "recipe",
    "init_from",
    "out",
    "layers",
    "init",
    "batch",
    "seed",
    "target",
    "ignore",
    "normalize",
    "normalize_target",
    "validation",
    "test",
    "shuffle",
    "shape",
    "task",
    "loss",
    "class_weights",
    "measure",
    "optimizer",
];

#[derive(Args, Clone, Debug)]
pub(super) struct TrainArgs {
    /// digits, mnist (a folder under WGRAD_DATA), a folder of IDX files, or a .csv file
    #[arg(value_name = "DATA")]
    pub(super) data: Option<String>,
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: Option<PathBuf>,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// Start from the weights of a safetensors file
    #[arg(long, value_name = "FILE")]
    pub(super) init_from: Option<PathBuf>,
    /// Go on with the run in a folder; given more epochs or steps, its schedule is that of the longer run
    #[arg(long, value_name = "RUN", conflicts_with_all = FIXED)]
    pub(super) resume: Option<PathBuf>,
    /// Run folder [default: the next runs/NAME-001]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Run every operation by itself: no result changes by more than float32's rounding
    #[arg(long)]
    pub(super) no_fuse: bool,
    /// Only the end
    #[arg(long)]
    pub(super) quiet: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    rows: DataFlags,
    #[command(flatten)]
    network: NetworkFlags,
    #[command(flatten)]
    update: UpdateFlags,
}

/// `[data]`
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
struct DataFlags {
    /// Target column of a table, or several, separated by commas [default: label, target or class, else the last]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// classification or regression [default: by the target's values]
    #[arg(long)]
    task: Option<String>,
    /// Columns of a table to leave out, separated by commas
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    ignore: Option<Vec<String>>,
    /// none, scale, mean_image, channel_mean or standardize [default: scale for images, standardize for tables]
    #[arg(long, value_name = "KIND")]
    normalize: Option<String>,
    /// What becomes of the numbers of a regression in training: none or standardize [default: standardize; in a recipe, and
    /// with --normalize none, none]
    #[arg(long, value_name = "KIND")]
    normalize_target: Option<String>,
    /// Share of the rows that validates [default: 0.1; in a recipe 0]
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE")]
    validation: Option<f64>,
    /// Share of the rows that tests, if the set has no test part [default: 0.2; in a recipe 0]
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE")]
    test: Option<f64>,
    /// Whether each epoch has an order of its own [default: true]
    #[arg(long, value_name = "BOOL")]
    shuffle: Option<bool>,
    /// Shape of one row, as in 1x28x28
    #[arg(long, value_name = "SIZES")]
    shape: Option<String>,
}

/// `[model]`, and the loss.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Network and loss")]
struct NetworkFlags {
    /// Layers in order, separated by commas: "linear 256, batch_norm, relu, dropout 0.5, linear"
    #[arg(long, value_name = "LAYERS")]
    layers: Option<String>,
    /// Initial weights: he, xavier, glorot, small, large, each also with _uniform; normal:0.05, uniform:0.05 (a deviation)
    /// [default: he before relu and its like, else xavier]
    #[arg(long, value_name = "INIT")]
    init: Option<String>,
    /// cross_entropy, binary_cross_entropy or mse [default: by target and last layer]
    #[arg(long)]
    loss: Option<String>,
    /// How much each class weighs: balanced, or a number for each as in 1,2.5 [default: all alike]
    #[arg(long, value_name = "WEIGHTS")]
    class_weights: Option<String>,
    /// Share of each target spread over all classes [default: 0]
    #[arg(long, allow_negative_numbers = true)]
    label_smoothing: Option<f64>,
}

/// `[train]`
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Training")]
struct UpdateFlags {
    /// Times through the training rows [default: 20]
    #[arg(long, allow_negative_numbers = true)]
    epochs: Option<u64>,
    /// Updates, in place of epochs
    #[arg(long, allow_negative_numbers = true)]
    steps: Option<u64>,
    /// Rows of a batch [default: 64, or all rows where there are fewer]
    #[arg(long, allow_negative_numbers = true)]
    batch: Option<usize>,
    /// sgd, adam or adamw [default: sgd]
    #[arg(long)]
    optimizer: Option<String>,
    /// Learning rate [default: 0.1; sgd on numbers 0.01; adam, adamw 0.001]
    #[arg(long, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// How the rate changes: constant, "step every=10epochs factor=0.1", "exponential factor=0.95", "cosine warmup=500",
    /// "one_cycle peak=0.3" [default: constant]
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// Momentum [default: 0.9; in a recipe 0]
    #[arg(long, allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// Nesterov's form of momentum
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    nesterov: Option<bool>,
    /// Adam's decay of the mean gradient [default: 0.9]
    #[arg(long, allow_negative_numbers = true)]
    beta1: Option<f64>,
    /// Adam's decay of the mean square [default: 0.999]
    #[arg(long, allow_negative_numbers = true)]
    beta2: Option<f64>,
    /// What Adam adds to the root of that [default: 1e-8]
    #[arg(long, allow_negative_numbers = true)]
    eps: Option<f64>,
    /// Weight decay [default: sgd 0.0001, adam 0, adamw 0.01; in a recipe 0]
    #[arg(long, allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// How weights decay: l2 or decoupled [default: l2]
    #[arg(long)]
    decay: Option<String>,
    /// What decays: all trainable tensors, or weights alone [default: all]
    #[arg(long, value_name = "WHICH")]
    decay_only: Option<String>,
    /// Largest norm of all gradients together
    #[arg(long, allow_negative_numbers = true, value_name = "NORM")]
    clip: Option<f64>,
    /// Largest norm of a unit's incoming weights
    #[arg(long, allow_negative_numbers = true, value_name = "NORM")]
    max_norm: Option<f64>,
    /// End the run after so many epochs without a better measure on the validation part
    #[arg(long, allow_negative_numbers = true, value_name = "EPOCHS")]
    early_stopping: Option<u64>,
    /// The measure by which the best model is chosen: loss or accuracy [default: loss]
    #[arg(long, value_name = "MEASURE")]
    measure: Option<String>,
    /// In what matrix products multiply: f32, or f16 with sums in f32, where the GPU lists fitting cooperative matrices
    /// [default: f32]
    #[arg(long, value_name = "PRECISION")]
    precision: Option<String>,
    /// Seed of split, weights, order and dropout [default: 0]
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
}

/// Puts a flag that was typed over a key.
fn set<T: Clone>(key: &mut Option<T>, flag: &Option<T>) {
    if flag.is_some() {
        key.clone_from(flag);
    }
}

impl TrainArgs {
    /// Puts every flag that was typed over the recipe's key.
    pub(super) fn over(&self, recipe: &mut Recipe) -> Result<(), String> {
        set(&mut recipe.data.source, &self.data);
        self.rows.over(recipe)?;
        self.network.over(recipe);
        self.update.over(recipe);
        Ok(())
    }
}

impl DataFlags {
    fn over(&self, recipe: &mut Recipe) -> Result<(), String> {
        let data = &mut recipe.data;
        set(&mut data.target, &self.target);
        set(&mut data.task, &self.task);
        set(&mut data.ignore, &self.ignore);
        set(&mut data.normalize, &self.normalize);
        set(&mut data.normalize_target, &self.normalize_target);
        set(&mut data.validation, &self.validation);
        set(&mut data.test, &self.test);
        set(&mut data.shuffle, &self.shuffle);
        if let Some(shape) = &self.shape {
            let sizes: Result<Vec<usize>, _> = shape.split('x').map(|size| size.trim().parse()).collect();
            data.shape = Some(sizes.map_err(|_| format!("shape must be sizes as in 1x28x28, not {shape:?}"))?);
        }
        Ok(())
    }
}

impl NetworkFlags {
    fn over(&self, recipe: &mut Recipe) {
        let (model, train) = (&mut recipe.model, &mut recipe.train);
        if let Some(layers) = &self.layers {
            model.layers = Some(layers.split(',').map(|layer| layer.trim().to_owned()).collect());
        }
        set(&mut model.init, &self.init);
        set(&mut train.loss, &self.loss);
        set(&mut train.class_weights, &self.class_weights);
        set(&mut train.label_smoothing, &self.label_smoothing);
    }
}

impl UpdateFlags {
    fn over(&self, recipe: &mut Recipe) {
        let train = &mut recipe.train;
        if self.epochs.is_some() || self.steps.is_some() {
            (train.epochs, train.steps) = (self.epochs, self.steps);
        }
        set(&mut train.batch, &self.batch);
        set(&mut train.optimizer, &self.optimizer);
        set(&mut train.lr, &self.lr);
        set(&mut train.schedule, &self.schedule);
        set(&mut train.momentum, &self.momentum);
        set(&mut train.nesterov, &self.nesterov);
        set(&mut train.beta1, &self.beta1);
        set(&mut train.beta2, &self.beta2);
        set(&mut train.eps, &self.eps);
        set(&mut train.weight_decay, &self.weight_decay);
        set(&mut train.decay, &self.decay);
        set(&mut train.decay_only, &self.decay_only);
        set(&mut train.clip, &self.clip);
        set(&mut train.max_norm, &self.max_norm);
        set(&mut train.early_stopping, &self.early_stopping);
        set(&mut train.measure, &self.measure);
        set(&mut train.precision, &self.precision);
        set(&mut train.seed, &self.seed);
    }
}
