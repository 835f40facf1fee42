//! The layer notation: one layer, one string – a kind, positional values, then `key=value`.

use crate::names::{nearest, quoted, short};
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
    /// The layers inside of a residual block; other kinds have none.
    pub body: Vec<LayerText>,
}

/// The kind that has layers inside, as in `residual(linear 64; relu; linear 64)`.
pub(super) const BLOCK: &str = "residual";

/// Blocks that may stand in one another.
const DEEPEST: usize = 16;

impl FromStr for LayerText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (head, inside, tail) = parts(text)?;
        let mut words = head.split_whitespace();
        let kind = canonical(words.next().ok_or("the text is empty")?);
        let body = if kind == BLOCK { body(inside)? } else { vec![] };
        let call = match inside {
            _ if kind == BLOCK => String::new(),
            _ if inside.contains(';') => return Err(format!("only {BLOCK} has layers inside, not {}", short(&kind))),
            // `Linear(256)` is `linear 256`.
            _ => inside.replace(',', " "),
        };
        let (mut values, mut keys) = (vec![], vec![]);
        for word in words.chain(call.split_whitespace()).chain(tail.split_whitespace()) {
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
        Ok(Self { kind, values, keys, body })
    }
}

/// Where the first parentheses of a text open and close, if it has any and each has its partner.
fn parentheses(text: &str) -> Result<Option<(usize, usize)>, String> {
    let (mut open, mut close, mut depth) = (None, None, 0usize);
    for (at, c) in text.char_indices() {
        if c == '(' {
            open.get_or_insert(at);
            depth += 1;
        } else if c == ')' {
            depth = depth.checked_sub(1).ok_or("there is a ) without its (")?;
            if depth == 0 {
                close.get_or_insert(at);
            }
        }
        if depth > DEEPEST {
            return Err(format!("at most {DEEPEST} parentheses may stand in one another"));
        }
    }
    if depth > 0 { Err("there is a ( without its )".into()) } else { Ok(open.zip(close)) }
}

/// What stands before, in and behind the first parentheses of a text.
fn parts(text: &str) -> Result<(&str, &str, &str), String> {
    match parentheses(text)? {
        Some((open, _)) if text[..open].split_whitespace().count() != 1 => {
            Err(format!("a ( stands right behind a kind, as in {BLOCK}(linear 64; relu; linear 64)"))
        }
        Some((open, close)) => Ok((&text[..open], &text[open + 1..close], &text[close + 1..])),
        None => Ok((text, "", "")),
    }
}

/// The pieces of a text between separators that stand in no parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0i64;
    text.split(|c| {
        depth += i64::from(c == '(') - i64::from(c == ')');
        depth == 0 && c == separator
    })
    .collect()
}

/// Splits a list at its commas, but for those in parentheses. Where parentheses have no partner, all commas separate.
pub(crate) fn items(text: &str) -> Vec<&str> {
    if parentheses(text).is_ok() { split(text, ',') } else { text.split(',').collect() }
}

/// The layers inside of a block.
fn body(text: &str) -> Result<Vec<LayerText>, String> {
    if text.trim().is_empty() {
        return Err(format!("it has no layers: write them inside, as in {BLOCK}(linear 64; relu; linear 64)"));
    }
    let read = |(index, text): (usize, &str)| {
        let text = text.trim();
        match split(text, ',').len() {
            1 => text.parse().map_err(|what| inside(index, text, what)),
            _ => Err(inside(index, text, "layers are separated by `;` here, not by commas".into())),
        }
    };
    split(text, ';').into_iter().enumerate().map(read).collect()
}

/// What is wrong with a layer inside of a block.
pub(super) fn inside(index: usize, text: &str, what: String) -> String {
    format!("body.{index} ({}): {what}", quoted(text))
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
        for (index, layer) in self.body.iter().enumerate() {
            write!(f, "{}{layer}", if index == 0 { "(" } else { "; " })?;
        }
        f.write_str(if self.body.is_empty() { "" } else { ")" })?;
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
            ("Linear(256, bias=false) lr=0.1", "linear 256 bias=false lr=0.1"),
        ] {
            assert_eq!(text.parse::<LayerText>().unwrap().to_string(), ours);
        }
    }

    #[test]
    fn layers_inside_of_a_block_print_back() {
        for (text, ours) in [
            ("residual(linear 64; batch_norm; relu; linear 64)", "residual(linear 64; batch_norm; relu; linear 64)"),
            (" Residual ( Linear(64, bias=false) ;ReLU() ) ", "residual(linear 64 bias=false; relu)"),
            ("residual(relu; residual(tanh; linear 3))", "residual(relu; residual(tanh; linear 3))"),
            ("residual(relu) a=b", "residual(relu) a=b"),
        ] {
            assert_eq!(text.parse::<LayerText>().unwrap().to_string(), ours);
            assert_eq!(ours.parse::<LayerText>().unwrap().to_string(), ours);
        }
    }

    #[test]
    fn what_is_no_block_is_refused_with_its_place() {
        let deep = format!("{}relu{}", "residual(".repeat(17), ")".repeat(17));
        for (text, what) in [
            ("residual", "it has no layers"),
            ("residual( )", "it has no layers"),
            ("residual(relu;)", "body.1 (\"\"): the text is empty"),
            ("residual(linear 3; residual(;relu))", "body.1 (\"residual(;relu)\"): body.0 (\"\"): the text is empty"),
            ("residual(linear 3, relu)", "body.0 (\"linear 3, relu\"): layers are separated by `;` here"),
            ("residual(linear 3", "a ( without its )"),
            ("residual(linear 3))", "a ) without its ("),
            ("linear(3; relu)", "only residual has layers inside, not linear"),
            ("linear 3 (4)", "a ( stands right behind a kind"),
            (&deep, "at most 16 parentheses"),
        ] {
            let error = text.parse::<LayerText>().unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn commas_in_parentheses_separate_no_items() {
        assert_eq!(items("linear 3, residual(a, (b,c), d),,e"), ["linear 3", " residual(a, (b,c), d)", "", "e"]);
        assert_eq!(items("a(, b, c)d,)"), ["a(", " b", " c)d", ")"]);
    }

    #[test]
    fn what_is_no_layer_text_is_refused() {
        for text in ["", "linear a= ", "linear =3", "linear bias=true bias=false", "linear bias=true 3"] {
            assert!(text.parse::<LayerText>().is_err(), "{text}");
        }
    }
}
