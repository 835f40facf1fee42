//! Flags that several commands share.

use crate::cli::setting;
use crate::data::{Decimal, Format, Separator, View};
use crate::error::Error;
use clap::Args;

/// How pictures are turned before a model takes them.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Turns {
    /// Make dark bright and bright dark, for pictures that are the reverse of those trained on
    #[arg(long)]
    pub(in crate::cli) invert: bool,
    /// Cut out the drawing on each picture and lay it as the drawings lie that were trained on
    #[arg(long)]
    pub(in crate::cli) center: bool,
}

impl Turns {
    /// The first flag that is given.
    pub(in crate::cli) fn given(self) -> Option<&'static str> {
        let given = [("--invert", self.invert), ("--center", self.center)];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}

/// Several looks at each picture, whose probabilities are averaged.
#[derive(Args, Clone, Debug, Default)]
pub(in crate::cli) struct ViewArgs {
    /// Parts of each picture whose probabilities are averaged: 1 (the middle) or 10 (middle and corners, also mirrored)
    #[arg(long, value_name = "1|10", value_parser = ["1", "10"])]
    crops: Option<String>,
    /// Shorter sides in pixels that each picture is brought to, separated by commas; probabilities are averaged [default: that of the model]
    #[arg(long, value_name = "SIDES", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=16_384))]
    scales: Vec<u64>,
}

impl ViewArgs {
    /// The first flag that is given.
    pub(in crate::cli) fn given(&self) -> Option<&'static str> {
        let given = [("--crops", self.crops.is_some()), ("--scales", !self.scales.is_empty())];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// The views that are asked for, if any are; `short` is the shorter side of the model's own.
    pub(in crate::cli) fn views(&self, short: usize) -> Vec<View> {
        if self.given().is_none() {
            return vec![];
        }
        let mut scales: Vec<usize> = self.scales.iter().map(|&side| side as usize).collect();
        if scales.is_empty() {
            scales.push(short);
        }
        View::all(self.crops.as_deref() == Some("10"), &scales)
    }
}

/// How the text of a table is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(in crate::cli) struct FormatArgs {
    /// What separates the fields of a table: comma, semicolon, tab, pipe or blanks [default: recognised]
    #[arg(long, aliases = ["sep", "delimiter"], value_name = "SEPARATOR")]
    separator: Option<Separator>,
    /// What stands before the fraction in the numbers of a table: point or comma [default: recognised]
    #[arg(long, value_name = "MARK")]
    decimal: Option<Decimal>,
    /// Whether the first row of a table holds the names of its columns [default: recognised]
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,
}

impl FormatArgs {
    /// The first flag that is given.
    pub(in crate::cli) fn given(self) -> Option<&'static str> {
        let given = [
            ("--separator", self.separator.is_some()),
            ("--decimal", self.decimal.is_some()),
            ("--header", self.header.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// What is given of the format.
    pub(in crate::cli) fn format(self) -> Format {
        Format { separator: self.separator, decimal: self.decimal, header: self.header }
    }
}

/// Monte-Carlo prediction.
#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct Masks {
    /// Also predict with this many random dropout masks (at least 2) and report the mean and the spread
    #[arg(long, value_name = "MASKS")]
    pub(in crate::cli) samples: Option<u32>,
    /// Seed of the dropout masks
    #[arg(long, default_value_t = 0, requires = "samples")]
    pub(in crate::cli) seed: u64,
}

impl Masks {
    /// Refuses one mask, which has no spread.
    pub(in crate::cli) fn check(self) -> Result<(), Error> {
        match self.samples {
            Some(samples @ 0..2) => Err(setting(format!("--samples must be at least 2 masks, not {samples}"))),
            _ => Ok(()),
        }
    }
}
