//! What a setting can hold: how each type is read from the text of a flag, and from and to TOML.

use super::kinds::{ClassWeights, DecayOnly, HeldOut, Log, Measure, NormalizeTarget};
use crate::data::augment::{Crop, Flip, Scale};
use crate::data::{Decimal, Normalize, Separator, Task};
use crate::kernel::Precision;
use crate::nn::{self, Freeze, Init, Loss};
use crate::train::schedule::Schedule;
use std::fmt::Display;
use std::str::FromStr;
use toml::Value as Toml;

/// A type that a setting can have.
pub trait Value: Sized {
    /// Reads the text of a flag.
    ///
    /// # Errors
    /// What the text must be, to follow the name of the setting.
    fn read(text: &str) -> Result<Self, String>;

    /// Reads a TOML value.
    ///
    /// # Errors
    /// What the value must be, to follow the name of the setting.
    fn from_toml(value: &Toml) -> Result<Self, String>;

    /// Writes a TOML value that reads back as the same.
    fn to_toml(&self) -> Toml;
}

/// "must be WHAT, not FOUND", for a value of another type.
fn must_be<T>(what: &str, found: impl Display) -> Result<T, String> {
    Err(format!("must be {what}, not {found}"))
}

/// A TOML value in one short line.
fn shown(value: &Toml) -> String {
    crate::names::short(&value.to_string())
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        value.as_str().map_or_else(|| must_be("a text in quotation marks", shown(value)), |text| Ok(text.to_owned()))
    }

    fn to_toml(&self) -> Toml {
        Toml::String(self.clone())
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        text.to_lowercase().parse().or_else(|_| must_be("true or false", format_args!("{text:?}")))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        value.as_bool().map_or_else(|| must_be("true or false", shown(value)), Ok)
    }

    fn to_toml(&self) -> Toml {
        Toml::Boolean(*self)
    }
}

impl Value for f64 {
    fn read(text: &str) -> Result<Self, String> {
        text.trim().parse().or_else(|_| must_be("a number", format_args!("{text:?}")))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        let number = value.as_float().or(value.as_integer().map(|whole| whole as Self));
        number.map_or_else(|| must_be("a number", shown(value)), Ok)
    }

    fn to_toml(&self) -> Toml {
        Toml::Float(*self)
    }
}

impl Value for HeldOut {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|what| format!(": {what}"))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        match value.as_str() {
            Some(text) => Self::read(text),
            None => f64::from_toml(value)
                .map(Self::Share)
                .map_err(|_| format!("must be a share of the rows or a file in quotation marks, not {}", shown(value))),
        }
    }

    fn to_toml(&self) -> Toml {
        match self {
            Self::Share(share) => share.to_toml(),
            Self::File(file) => file.to_toml(),
        }
    }
}

const WHOLE: &str = "a whole number of at least 0";

impl Value for u64 {
    fn read(text: &str) -> Result<Self, String> {
        text.trim().parse().or_else(|_| must_be(WHOLE, format_args!("{text:?}")))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        let whole = value.as_integer().and_then(|whole| Self::try_from(whole).ok());
        // TOML's integers end at 2⁶³ − 1; larger seeds are written as texts.
        let text = value.as_str().and_then(|text| text.parse().ok());
        whole.or(text).map_or_else(|| must_be(WHOLE, shown(value)), Ok)
    }

    fn to_toml(&self) -> Toml {
        i64::try_from(*self).map_or_else(|_| Toml::String(self.to_string()), Toml::Integer)
    }
}

impl Value for usize {
    fn read(text: &str) -> Result<Self, String> {
        text.trim().parse().or_else(|_| must_be(WHOLE, format_args!("{text:?}")))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        u64::from_toml(value).and_then(|whole| Self::try_from(whole).or_else(|_| must_be(WHOLE, whole)))
    }

    fn to_toml(&self) -> Toml {
        (*self as u64).to_toml()
    }
}

/// A list, written with commas on the command line. One text in TOML is read as on the command line.
fn list<T: Value>(value: &Toml, split: fn(&str) -> Result<Vec<T>, String>) -> Result<Vec<T>, String> {
    match value {
        Toml::Array(items) => items.iter().map(T::from_toml).collect(),
        Toml::String(text) => split(text),
        _ => must_be("a list", shown(value)),
    }
}

/// Texts; a comma in parentheses separates none, as in `linear 64, residual(Linear(64, bias=false); relu)`.
impl Value for Vec<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok(nn::items(text).into_iter().map(|item| item.trim().to_owned()).collect())
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        list(value, Self::read).map_err(|what| if value.is_array() { format!("items {what}") } else { what })
    }

    fn to_toml(&self) -> Toml {
        Toml::Array(self.iter().map(Value::to_toml).collect())
    }
}

/// Sizes, as in `1x28x28`, or widths, as in `256,128`.
impl Value for Vec<usize> {
    fn read(text: &str) -> Result<Self, String> {
        let sizes: Result<Self, _> = text.split(['x', ',']).map(|size| size.trim().parse()).collect();
        sizes.or_else(|_| must_be("whole numbers, as in 1x28x28 or 256,128", format_args!("{text:?}")))
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        list(value, Self::read)
    }

    fn to_toml(&self) -> Toml {
        Toml::Array(self.iter().map(Value::to_toml).collect())
    }
}

macro_rules! numbers_or_texts {
    ($($type:ty),*) => { $(
        /// A text with a notation of its own, or a number.
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                notation(text)
            }

            fn from_toml(value: &Toml) -> Result<Self, String> {
                match value {
                    Toml::Integer(_) | Toml::Float(_) => notation(&value.to_string()),
                    _ => String::from_toml(value).and_then(|text| notation(&text)),
                }
            }

            fn to_toml(&self) -> Toml {
                Toml::String(self.to_string())
            }
        }
    )* };
}

numbers_or_texts!(Crop, Flip, Freeze, Scale);

/// A text with a notation of its own; choices ignore case.
fn notation<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: Display,
{
    text.parse().or_else(|what: T::Err| text.to_lowercase().parse().map_err(|_| format!(": {what}")))
}

macro_rules! notations {
    ($($type:ty),*) => { $(
        impl Value for $type {
            fn read(text: &str) -> Result<Self, String> {
                notation(text)
            }

            fn from_toml(value: &Toml) -> Result<Self, String> {
                String::from_toml(value).and_then(|text| notation(&text))
            }

            fn to_toml(&self) -> Toml {
                Toml::String(self.to_string())
            }
        }
    )* };
}

notations!(
    Task,
    Separator,
    Decimal,
    Normalize,
    NormalizeTarget,
    Init,
    Loss,
    ClassWeights,
    Schedule,
    DecayOnly,
    Log,
    Measure,
    Precision
);
