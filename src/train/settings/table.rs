//! The table of settings. An entry here is all that a new setting needs, beside the code that uses it: the recipe's key, the
//! flag, its help, the resolved recipe and the table in the README follow from it.

use super::declared::{Declared, HasDeclared, complete, entries};
use super::define::{FIXED, PLAN, POSITIONAL, SWITCH, Setting, fill, named, resolve, resolved, settings};
use super::kinds::{ClassWeights, DecayOnly, HeldOut, Log, Measure, NormalizeTarget};
use super::range::{any, at_least_0, at_least_1, held_out, positive, rows_at_least_1, share, sizes};
use super::value::Value;
use crate::data::augment::{Crop, Flip, Scale};
use crate::data::{Decimal, Normalize, Separator, Task};
use crate::kernel::Precision;
use crate::nn::{Freeze, Init, Loss};
use crate::train::schedule::Schedule;
use std::sync::LazyLock;
use toml::Value as Toml;

settings! {
    data {
        /// Data set: digits (built in), mnist or cifar10 (folders under WGRAD_DATA), a folder of IDX files, of CIFAR-10's binary files or of pictures by class, NumPy's arrays (.npz, or a folder of .npy), or a table.
        source: String, default("digits".into()), any, FIXED | PLAN | POSITIONAL, "DATA", "digits", [];
        /// Target column of a table, or several separated by commas.
        target: String, optional, any, FIXED | PLAN, "COLUMN", "label, target or class, else the last column", [];
        /// Column of a table that holds the paths of pictures, from the table's folder: they are learnt from, and no other column.
        image: String, optional, any, FIXED | PLAN, "COLUMN", "", ["image-column"];
        /// classification or regression.
        task: Task, derived, any, FIXED | PLAN, "TASK", "by the target's values", [];
        /// Columns of a table to leave out, separated by commas.
        ignore: Vec<String>, optional, any, FIXED | PLAN, "COLUMNS", "", [];
        /// Columns of a table that hold texts, each different one a value, separated by commas.
        categorical: Vec<String>, optional, any, FIXED | PLAN, "COLUMNS", "by the fields", [];
        /// Columns of a table that hold numbers or dates, separated by commas; other texts in them count as missing.
        numeric: Vec<String>, optional, any, FIXED | PLAN, "COLUMNS", "by the fields", [];
        /// Texts that stand for a missing field, separated by commas, beside those that are known.
        missing: Vec<String>, optional, any, FIXED | PLAN, "TEXTS", "", ["na-values"];
        /// What separates the fields of a table: comma, semicolon, tab, pipe or blanks.
        separator: Separator, optional, any, FIXED | PLAN, "SEPARATOR", "recognised", ["sep", "delimiter"];
        /// What stands before the fraction in the numbers of a table: point or comma.
        decimal: Decimal, optional, any, FIXED | PLAN, "MARK", "recognised", [];
        /// Whether the day comes before the month, in dates of a table that can be read in both ways.
        day_first: bool, optional, any, FIXED | PLAN, "BOOL", "by the order of the rows, else the month first", ["dayfirst"];
        /// Whether the first row of a table holds the names of its columns.
        header: bool, optional, any, FIXED | PLAN, "BOOL", "recognised", [];
        /// Shape of one row, as in 1x28x28.
        shape: Vec<usize>, optional, sizes, FIXED | PLAN, "SIZES", "", [];
        /// How inputs are scaled: none, scale, mean_image, channel_mean, standardize, or imagenet (the numbers of torchvision's networks).
        normalize: Normalize, derived, any, FIXED | PLAN, "KIND", "scale for images, standardize for tables", [];
        /// How the numbers of a regression are scaled in training: none or standardize.
        normalize_target: NormalizeTarget, optional, any, FIXED, "KIND",
            "standardize, or none with --normalize none", [];
        /// Shuffle the rows every epoch.
        shuffle: bool, default(true), any, FIXED, "BOOL", "true", [];
        /// Rows to validate on: a share of the rows, or a file. A path that looks like a number begins with ./
        validation: HeldOut, derived, held_out, FIXED | PLAN, "SHARE|FILE", "0.1; a table 0.1 to 0.2 of the rows that do not test, or 0 if balanced class weights leave a class too few",
            ["val-split"];
        /// Rows to test on, where the data have no test part of their own: a share of the rows, or a file.
        test: HeldOut, optional, held_out, FIXED | PLAN, "SHARE|FILE", "0.2", ["test-split"];
        /// Column of groups, such as patients: all rows of a group come into one part. The column is no feature.
        group: String, optional, any, FIXED | PLAN, "COLUMN", "", ["groups"];
        /// Column of times: the latest rows are tested on, the latest of the others validate. The column is no feature.
        time: String, optional, any, FIXED | PLAN, "COLUMN", "", ["time-column"];
        /// Seed of the split into parts, where it is not that of the rest.
        split_seed: u64, optional, any, FIXED | PLAN, "SEED", "--seed", [];
        /// Train on a bootstrap sample: as many rows as there are to train on, drawn from them with repetition by the seed. What
        /// is measured of the training part is that of all its rows.
        bootstrap: bool, default(false), any, FIXED | SWITCH, "BOOL", "false", [];
        /// Data set to train on in place of DATA, which validates and tests then: half each, or --validation or --test of it and
        /// the rest. Both are of one kind, with the same features and classes.
        other_source: String, optional, any, FIXED | PLAN, "DATA", "", [];
        /// Share of the rows of --other-source that are held out, to tell variance from data mismatch.
        train_dev: f64, optional, share, FIXED | PLAN, "SHARE", "0.1 with --other-source", [];
        /// Leave pictures out that cannot be read, and say how many, in place of ending.
        skip_broken: bool, default(false), any, FIXED | PLAN | SWITCH, "BOOL", "false", [];
    }
    augment {
        /// Mirror pictures, left to right: with a probability, as in 0.5, or alternate for every other epoch.
        flip: Flip, optional, any, FIXED | PLAN, "FLIP", "", [];
        /// Size in pixels of the part of a picture that the network sees, as in 224 or 224x160: any part in training, the middle
        /// else. "32 padding=4" adds black pixels at each edge first, "32 padding=4 mode=reflect" the mirrored picture.
        crop: Crop, optional, any, FIXED | PLAN, "SIZE", "the size of the pictures, or 64 if they have several", [];
        /// Shorter side in pixels that pictures are brought to before they are cut: one, as in 256, or drawn between two, as in
        /// 256..480.
        scale: Scale, optional, any, FIXED | PLAN, "SIDE", "the size of the pictures, or the longer side of crop if they have several", [];
        /// Multiply the values of a picture by a factor drawn from 1 − this to 1 + this.
        brightness: f64, default(0.0), at_least_0, FIXED | PLAN, "SHARE", "0", [];
        /// Move the values of a picture from their mean by a factor drawn from 1 − this to 1 + this.
        contrast: f64, default(0.0), at_least_0, FIXED | PLAN, "SHARE", "0", [];
    }
    model {
        /// Layers in order, separated by commas: "linear 256, batch_norm, relu, dropout 0.5, linear".
        layers: Vec<String>, derived, any, FIXED | PLAN, "LAYERS", "by the data", [];
        /// Widths of hidden linear layers with relu between them, as in 256,128. It is short for --layers.
        hidden: Vec<usize>, optional, sizes, FIXED | PLAN, "WIDTHS", "by the data", ["hidden-layers", "hidden-sizes"];
        /// Dropout after every hidden layer. It is short for --layers.
        dropout: f64, optional, share, FIXED | PLAN, "P", "by the data", [];
        /// Initial weights: he, xavier, glorot, small or large, each also with _uniform; normal:0.05 and uniform:0.05 give the
        /// standard deviation.
        init: Init, optional, any, FIXED | PLAN, "INIT", "he before relu and similar layers, else xavier", [];
        /// Layers that training leaves as they are, by number as in 0..5 (the layers 0 to 4), place as in 4.body, or kind as in
        /// conv; several separated by commas.
        freeze: Freeze, optional, any, FIXED | PLAN, "LAYERS", "none", [];
        /// Compute what the frozen first layers make of each row once, and train the others on it.
        cache_features: bool, default(false), any, FIXED | PLAN | SWITCH, "BOOL", "false", [];
        /// Start the last layer with weights anew where the others start as in a file.
        new_head: bool, default(false), any, FIXED | SWITCH, "BOOL", "false", [];
    }
    train {
        /// Loss.
        loss: Loss, derived, any, FIXED | PLAN, "LOSS", "by the target and the last layer", [];
        /// Weight of each class in the loss: balanced, or a number for each as in 1,2.5.
        class_weights: ClassWeights, optional, any, FIXED | PLAN, "WEIGHTS", "1 for each", ["class-weight"];
        /// Share of each target that is spread over all classes.
        label_smoothing: f64, default(0.0), share, PLAN, "SHARE", "0", [];
        /// Optimiser.
        optimizer: String, derived, any, FIXED | PLAN, "NAME", "adamw; sgd for pictures of up to 1,024 values", ["optim"];
        /// Learning rate. On the command line of train, find tries rates and recommends one.
        lr: f64, derived, at_least_0, PLAN, "RATE", "",
            ["learning-rate"];
        /// How the rate changes: constant, "step every=10epochs factor=0.1", "exponential factor=0.95",
        /// "cosine warmup=500", or "one_cycle peak=0.3 start=0.04 end=4e-6": the rate rises from the share start of --lr up to
        /// --lr, which it reaches at the share peak of the run, and falls to the share end.
        schedule: Schedule, derived, any, 0, "SCHEDULE", "cosine; constant for pictures of up to 1,024 values", ["lr-schedule"];
        /// Weight decay.
        weight_decay: f64, derived, at_least_0, PLAN, "DECAY", "", ["wd"];
        /// Tensors that decay: all, or weights (no biases, scales or slopes).
        decay_only: DecayOnly, default(DecayOnly::All), any, PLAN, "WHICH", "all; weights where a table has few rows of a rare class and class_weights = balanced", [];
        /// Largest norm of all gradients together; larger ones are scaled down.
        clip: f64, optional, positive, PLAN, "NORM", "", ["clip-norm", "grad-clip"];
        /// Largest norm of the weights into one unit; larger ones are scaled down.
        max_norm: f64, optional, positive, PLAN, "NORM", "", [];
        /// Stop after this many epochs without a better measure on the validation part.
        early_stopping: u64, optional, at_least_1, 0, "EPOCHS", "", ["patience"];
        /// Seconds between two writings of the state that a run is resumed from; the end is always written.
        save_every: f64, default(60.0), at_least_0, 0, "SECONDS", "60", [];
        /// What else is written into the run folder: none, or tensorboard for an event file with the curves.
        log: Log, default(Log::None), any, 0, "KIND", "none", [];
        /// Epochs from one measurement of the layers' health to the next, which health.csv takes down: dead and saturated
        /// units, histograms, gradients, updates. The first is after the first epoch; 0 measures nothing.
        health: u64, default(1), any, 0, "EPOCHS", "1", [];
        /// Measure that chooses the best model: loss or accuracy.
        measure: Measure, default(Measure::Loss), any, FIXED, "MEASURE", "loss", [];
        /// Fit a temperature on the validation part after training, by which outputs are divided so that probabilities are nearer to shares of right answers, if at least 10 of its answers are wrong; and keep the scores of the part that predict --coverage needs.
        calibrate: bool, default(false), any, SWITCH, "BOOL", "false", [];
        /// Numbers that matrix products multiply: f32, or f16 with sums in f32 on GPUs that list fitting cooperative matrices.
        precision: Precision, default(Precision::F32), any, PLAN, "PRECISION", "f32", [];
        /// Rows in a batch.
        batch: usize, derived, rows_at_least_1, FIXED | PLAN, "ROWS", "tables 32 to 256, by the rows, and up to 32768 with balanced class weights; pictures as many, or fewer the more pixels they have, or 64 if they have up to 1,024 values", ["batch-size"];
        /// Passes over the training rows.
        epochs: u64, optional, at_least_1, 0, "EPOCHS", "tables at most 300, the fewer the more rows and features; pictures 10 to 60, the fewer the more there are, or 20 if they have up to 1,024 values", ["num-epochs"];
        /// Updates of the weights, instead of epochs.
        steps: u64, optional, at_least_1, 0, "STEPS", "", ["max-steps"];
        /// Seed of the split, the initial weights, the order of rows and dropout.
        seed: u64, default(0), any, FIXED | PLAN, "SEED", "0", ["random-state"];
    }
}
