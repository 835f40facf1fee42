//! The settings of a run: one table ([`SETTINGS`]), a [`Recipe`] that may leave settings out, and [`Settings`] with every
//! default filled in.

mod declared;
mod define;
mod kinds;
mod range;
mod table;
mod value;

use crate::data::is_path;
use crate::error::Error;
use crate::kernel::Precision;
use crate::nn::{self, Loss, Rule};
use crate::op::Value;
pub(super) use declared::{ADAPTIVE, given_to_loss, given_to_optimizer};
pub use declared::{Declared, Given};
pub use define::{FIXED, PLAN, POSITIONAL, SWITCH, Setting, named};
pub use kinds::{ClassWeights, DecayOnly, HeldOut, Log, Measure, NormalizeTarget};
pub use table::{Recipe, SETTINGS, Settings};

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Passes over the training rows.
    Epochs(u64),
    /// Updates of the weights.
    Steps(u64),
}

impl Recipe {
    /// Changes all paths: that of the data set, unless it is a known one, and those of rows that are held out.
    pub(in crate::train) fn change_paths(&mut self, change: impl Fn(&str) -> String) {
        for source in [&mut self.source, &mut self.other_source].into_iter().flatten().filter(|source| is_path(source))
        {
            *source = change(source);
        }
        for held_out in [&mut self.validation, &mut self.test].into_iter().flatten() {
            if let HeldOut::File(file) = held_out
                && is_path(file)
            {
                *file = change(file);
            }
        }
    }

    /// Takes every setting that another recipe has. `epochs` and `steps` replace each other.
    pub fn take(&mut self, other: &Self) {
        if other.epochs.is_some() || other.steps.is_some() {
            (self.epochs, self.steps) = (None, None);
        }
        if other.layers.is_some() || other.hidden.is_some() || other.dropout.is_some() {
            (self.layers, self.hidden, self.dropout) = (None, None, None);
        }
        SETTINGS.iter().for_each(|setting| (setting.take)(setting, self, other));
    }

    /// The same with a setting that an optimiser or a loss declares, as `momentum`.
    ///
    /// # Panics
    /// No optimiser and no loss declares it, or it cannot have that value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value<'_>) -> Self {
        declared::set(&mut self, name, value).unwrap_or_else(|what| panic!("{name} {what}"));
        self
    }

    /// Refuses what can be seen to be wrong without the data.
    ///
    /// # Errors
    /// Names the setting and what it may be.
    pub fn check(&self) -> Result<(), Error> {
        let faults = self.faults();
        ensure(faults.is_empty(), || faults.join("; "))
    }

    /// All that can be seen to be wrong without the data; each begins with the name of a setting.
    pub(in crate::train) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.check_each().err().into_iter().collect();
        let mut ensure = |right: bool, what: &dyn Fn() -> String| faults.extend((!right).then(what));
        ensure(self.source.is_some() || self.target.is_none(), &|| {
            "source is missing: target names a column of a table, so name the table".into()
        });
        ensure(self.source.is_some() || self.image.is_none(), &|| {
            "source is missing: image names a column of a table, so name the table".into()
        });
        ensure(self.epochs.is_none() || self.steps.is_none(), &|| "epochs and steps cannot both be given".into());
        ensure(self.layers.is_none() || self.hidden.is_none(), &|| "layers and hidden cannot both be given".into());
        ensure(self.layers.is_none() || self.dropout.is_none(), &|| {
            "dropout cannot be given together with layers: write it among the layers".into()
        });
        ensure(self.group.is_none() || self.time.is_none(), &|| {
            "group and time cannot both be given: rows are split by one column".into()
        });
        faults.extend(self.faults_of_held_out());
        faults.extend(self.faults_of_declared());
        faults
    }

    /// Settings of parts and of the source to train on that do not go together.
    fn faults_of_held_out(&self) -> Vec<String> {
        let mut faults = vec![];
        let mut ensure = |right: bool, what: &dyn Fn() -> String| faults.extend((!right).then(what));
        let share = |held_out: &Option<HeldOut>| held_out.as_ref().map_or(0.0, HeldOut::share);
        let shares = [("validation", share(&self.validation)), ("test", share(&self.test))];
        let both = shares[0].1 + shares[1].1;
        if self.other_source.is_none() {
            for (name, share) in shares {
                ensure(share < 1.0, &|| format!("{name} must be at least 0 and less than 1, not {share}"));
            }
            ensure(both < 1.0 || shares.iter().any(|(_, share)| *share >= 1.0), &|| {
                format!("validation and test must leave rows to train on: their sum is {both}, make it less than 1")
            });
            ensure(self.train_dev.is_none(), &|| {
                "train_dev is a share of the rows of other_source, which is missing: name it, or leave train_dev out"
                    .into()
            });
            return faults;
        }
        ensure(self.source.is_some(), &|| {
            "source is missing: other_source is trained on, so name the data to validate and to test on".into()
        });
        ensure(both <= 1.0 + 1e-9, &|| format!("validation and test are more than all rows: their sum is {both}"));
        for (name, column) in [("group", &self.group), ("time", &self.time)] {
            ensure(column.is_none(), &|| {
                format!(
                    "{name} and other_source cannot both be given: the rows of two sources are not split by a column"
                )
            });
        }
        faults
    }

    /// Settings that belong to another optimiser or loss.
    fn faults_of_declared(&self) -> impl Iterator<Item = String> {
        let of_optimizer = self.optimizer.as_ref().map(|name| Rule::read(name, &given_to_optimizer(&self.declared)));
        let of_loss = self.loss.map(|loss| Loss::read(loss.kind().name, &given_to_loss(&self.declared)));
        let of_optimizer = of_optimizer.and_then(Result::err);
        of_optimizer.into_iter().chain(of_loss.and_then(Result::err))
    }
}

impl Settings {
    /// How long the run is.
    pub fn length(&self) -> Length {
        self.steps.map_or_else(|| Length::Epochs(self.epochs.unwrap_or(1)), Length::Steps)
    }

    /// The update of the weights.
    pub fn update(&self) -> nn::Settings {
        let rule = Rule::read(&self.optimizer, &given_to_optimizer(&self.declared));
        let rule = rule.unwrap_or_else(|what| panic!("the recipe was checked: {what}"));
        nn::Settings {
            rule,
            weight_decay: self.weight_decay,
            decay_weights_only: self.decay_only == DecayOnly::Weights,
            scale_loss: self.precision == Precision::F16,
            clip: self.clip,
            max_norm: self.max_norm,
        }
    }
}

fn ensure(right: bool, what: impl FnOnce() -> String) -> Result<(), Error> {
    if right { Ok(()) } else { Err(Error::Setting(what())) }
}
