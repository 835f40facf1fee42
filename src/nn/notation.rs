//! The layer notation: one layer, one string – a kind, positional values, then `key=value`.

use crate::names::{nearest, quoted, short};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A layer text that cannot be read. The index is the layer's place in the network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {index} ({}): {what}", quoted(.text))]
pub struct NotationError {
    /// Place in the network, from 0.
    pub index: usize,
    /// What was written.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

/// The parts of a layer text. It prints back as it was written, but for the amount of white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerText {
    /// As in `linear`.
    pub kind: String,
    /// Values without a key.
    pub values: Vec<String>,
    /// Values with a key, in the order in which they were written.
    pub keys: Vec<(String, String)>,
}

impl FromStr for LayerText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = without_call(text);
        let mut words = text.split_whitespace();
        let kind = canonical(words.next().ok_or("the text is empty")?);
        let (mut values, mut keys) = (vec![], vec![]);
        for word in words {
            match word.split_once('=') {
                Some((key, value)) if key.is_empty() || value.is_empty() => {
                    return Err(format!("{} is not of the form key=value", quoted(word)));
                }
                Some((key, _)) if keys.iter().any(|(known, _)| known == key) => {
                    return Err(format!("{} is given twice", short(key)));
                }
                Some((key, value)) => keys.push((key.to_owned(), value.to_owned())),
                None if !keys.is_empty() => return Err(format!("{} stands after a key=value", quoted(word))),
                None => values.push(word.to_owned()),
            }
        }
        Ok(Self { kind, values, keys })
    }
}

/// `Linear(256)` as `Linear 256`.
fn without_call(text: &str) -> Cow<'_, str> {
    match text.trim().strip_suffix(')').and_then(|call| call.split_once('(')) {
        Some((kind, values)) if !values.contains(';') && kind.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            Cow::Owned(format!("{kind} {}", values.replace(',', " ").trim()))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Our name of a kind: case does not matter, and a few names of other programs are known.
fn canonical(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "dense" | "fc" | "fully_connected" => "linear".into(),
        "bn" | "batchnorm" | "batchnorm1d" => "batch_norm".into(),
        "leakyrelu" => "leaky_relu".into(),
        _ => lower,
    }
}

impl fmt::Display for LayerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.values.iter().try_for_each(|value| write!(f, " {value}"))?;
        self.keys.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

impl LayerText {
    /// Refuses more positional values than `values`, and keys that are not in `keys`.
    pub(crate) fn allow(&self, values: usize, keys: &[&str]) -> Result<(), String> {
        if let Some(extra) = self.values.get(values) {
            return Err(format!(
                "{} takes {values} value{}, {} is one more",
                self.kind,
                if values == 1 { "" } else { "s" },
                quoted(extra)
            ));
        }
        match self.keys.iter().find(|(key, _)| !keys.contains(&key.as_str())) {
            Some((key, _)) if keys.is_empty() => Err(format!("{} takes no keys, so not {}", self.kind, short(key))),
            Some((key, _)) => Err(format!("{} has no key {}; {}", self.kind, short(key), nearest(key, keys))),
            None => Ok(()),
        }
    }

    /// The value at a position, if there is one.
    pub(super) fn value<T: FromStr>(&self, at: usize, name: &str) -> Result<Option<T>, String> {
        self.values.get(at).map(|value| read(value, name)).transpose()
    }

    /// The value of a key, or the default.
    pub(crate) fn key<T: FromStr>(&self, key: &str, default: T) -> Result<T, String> {
        let value = self.keys.iter().find(|(known, _)| known == key);
        value.map_or(Ok(default), |(_, value)| read(value, key))
    }
}

fn read<T: FromStr>(value: &str, name: &str) -> Result<T, String> {
    let kind = match std::any::type_name::<T>() {
        "bool" => "true or false",
        "usize" => "a whole number",
        _ => "a number",
    };
    value.parse().map_err(|_| format!("{name} must be {kind}, not {}", quoted(value)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn a_text_prints_back_exactly() {
        for text in ["linear 256", "linear 256 bias=false", "batch_norm eps=1e-3 momentum=0.2", "relu"] {
            assert_eq!(text.parse::<LayerText>().unwrap().to_string(), text);
        }
        assert_eq!("  linear   3 ".parse::<LayerText>().unwrap().to_string(), "linear 3");
    }

    #[test]
    fn names_of_other_programs_are_understood() {
        for (text, ours) in [
            ("Linear(256)", "linear 256"),
            ("dense 256 bias=false", "linear 256 bias=false"),
            ("fc 3", "linear 3"),
            ("BN", "batch_norm"),
            ("ReLU()", "relu"),
            ("LeakyReLU(0.2)", "leaky_relu 0.2"),
        ] {
            assert_eq!(text.parse::<LayerText>().unwrap().to_string(), ours);
        }
    }

    #[test]
    fn what_is_no_layer_text_is_refused() {
        for text in ["", "linear a= ", "linear =3", "linear bias=true bias=false", "linear bias=true 3"] {
            assert!(text.parse::<LayerText>().is_err(), "{text}");
        }
    }
}
