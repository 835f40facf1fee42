//! Layers that training leaves as they are: `0..5`, `4.body`, `conv`.

use super::notation::LayerText;
use crate::names::{nearest, quoted};
use std::fmt;
use std::str::FromStr;

/// Some layers of a network, by their numbers, their places or their kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// The layers from a number up to another, which is not one of them.
    Range(usize, usize),
    /// The layer at a place, as in `4` or `4.body.0`, with all that is inside.
    Place(String),
    /// All layers of a kind, as in `batch_norm`.
    Kind(String),
}

/// The layers that training leaves as they are; by default none. They see their inputs as at inference: dropout drops nothing,
/// and batch norm takes the averages that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    items: Vec<Item>,
}

impl FromStr for Freeze {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let item = |text: &str| {
            if let Some((first, end)) = text.split_once("..") {
                let number = |text: &str, default: Option<usize>| match text.trim() {
                    "" => default,
                    text => text.parse().ok(),
                };
                return match (number(first, Some(0)), number(end, None)) {
                    (Some(first), Some(end)) if first < end => Ok(Item::Range(first, end)),
                    _ => Err(format!("{} is no range of layers, as in 0..5, which is the layers 0 to 4", quoted(text))),
                };
            }
            match text.chars().next() {
                None => Err("layers are wanted, as in 0..5, 4.body or conv".to_owned()),
                Some(c) if c.is_ascii_digit() => Ok(Item::Place(text.to_owned())),
                Some(_) => Ok(Item::Kind(text.to_owned())),
            }
        };
        Ok(Self { items: text.split(',').map(|text| item(text.trim())).collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.items.iter().enumerate() {
            let separator = if i > 0 { "," } else { "" };
            match item {
                Item::Range(first, end) => write!(f, "{separator}{first}..{end}")?,
                Item::Place(text) | Item::Kind(text) => write!(f, "{separator}{text}")?,
            }
        }
        Ok(())
    }
}

impl Item {
    /// Whether a layer is meant: by its place, as in `4.body.0`, and its kind.
    fn means(&self, place: &str, kind: &str) -> bool {
        match self {
            Self::Range(first, end) => {
                let number = place.split('.').next().and_then(|number| number.parse().ok());
                number.is_some_and(|number: usize| (*first..*end).contains(&number))
            }
            Self::Place(wanted) => {
                place.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            Self::Kind(wanted) => kind == wanted,
        }
    }
}

impl Freeze {
    /// Whether a layer is frozen: by its path, as in `4.body.0.conv`.
    pub(super) fn means(&self, path: &str) -> bool {
        let (place, kind) = path.rsplit_once('.').unwrap_or((path, ""));
        self.items.iter().any(|item| item.means(place, kind))
    }

    /// How many of the first layers it means, with all that is inside of them.
    pub(super) fn first(&self, texts: &[LayerText]) -> Result<usize, String> {
        let mut paths = vec![];
        places("", texts, &mut paths);
        paths.retain(|(_, kind)| !kind.is_empty());
        let means = |(place, kind): &(String, String)| self.items.iter().any(|item| item.means(place, kind));
        let of_layer = |index: usize| {
            let own = format!("{index}");
            let inside = format!("{index}.");
            paths.iter().filter(move |(place, _)| *place == own || place.starts_with(&inside))
        };
        let whole = |index: &usize| means(&(index.to_string(), texts[*index].kind.clone()));
        let count = (0..texts.len()).take_while(whole).count();
        if count == 0 {
            return Err("the first layer is not frozen, so nothing can be computed once and kept".into());
        }
        match (count..texts.len()).flat_map(of_layer).find(|path| means(path)) {
            Some((place, kind)) => Err(format!(
                "layer {place}.{kind} is frozen behind layer {count}, which is not: freeze the first layers alone"
            )),
            None => Ok(count),
        }
    }

    /// Refuses what means no layer of a network.
    pub(super) fn check(&self, texts: &[LayerText]) -> Result<(), String> {
        let mut paths = vec![];
        places("", texts, &mut paths);
        for item in &self.items {
            let of = |(place, kind): &(String, String)| item.means(place, kind);
            match item {
                Item::Range(first, end) if *end > texts.len() => {
                    let last = texts.len() - 1;
                    return Err(format!("{first}..{end} goes beyond the layers, which are 0 to {last}"));
                }
                Item::Place(place) if !paths.iter().any(of) => {
                    return Err(format!("there is no layer at {}: they are 0 to {}", quoted(place), texts.len() - 1));
                }
                Item::Kind(kind) if !paths.iter().any(of) => {
                    let mut kinds: Vec<&str> = paths.iter().map(|(_, kind)| kind.as_str()).collect();
                    kinds.sort_unstable();
                    kinds.dedup();
                    return Err(format!("there is no layer {}; {}", quoted(kind), nearest(kind, &kinds)));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Places and kinds of layers and of all inside of them.
fn places(prefix: &str, texts: &[LayerText], found: &mut Vec<(String, String)>) {
    for (index, text) in texts.iter().enumerate() {
        let place = format!("{prefix}{index}");
        found.push((place.clone(), text.kind.clone()));
        if !text.body.is_empty() {
            found.extend([(format!("{place}.body"), String::new()), (format!("{place}.shortcut"), String::new())]);
            places(&format!("{place}.body."), &text.body, found);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn freeze(text: &str) -> Freeze {
        text.parse().unwrap()
    }

    #[test]
    fn layers_are_meant_by_number_place_and_kind() {
        for text in ["0..5", "4.body.0", "conv", "0..2,5,batch_norm"] {
            assert_eq!(freeze(text).to_string(), text);
        }
        assert_eq!(freeze("..5"), freeze("0..5"));
        assert!(freeze("1..3").means("2.conv") && freeze("1..3").means("2.body.0.conv"));
        assert!(!freeze("1..3").means("3.conv") && !freeze("1..3").means("12.conv"));
        assert!(freeze("4").means("4.body.0.conv") && !freeze("4").means("41.conv"));
        assert!(freeze("4.body").means("4.body.1.batch_norm") && !freeze("4.body").means("4.shortcut.0.conv"));
        assert!(freeze("conv").means("4.shortcut.0.conv") && !freeze("conv").means("1.batch_norm"));
    }

    #[test]
    fn what_means_no_layer_is_refused() {
        let texts: Vec<LayerText> =
            ["conv 4", "residual(conv 4; relu)", "linear"].iter().map(|text| text.parse().unwrap()).collect();
        let told = |text: &str| freeze(text).check(&texts).unwrap_err();
        assert!(told("0..9").contains("which are 0 to 2") && told("7").contains("no layer at"));
        assert!(told("cnv").contains("conv") && told("1.body.2").contains("1.body.2"));
        for text in ["0..3", "1.body.1", "1.shortcut", "relu"] {
            freeze(text).check(&texts).unwrap();
        }
        for text in ["5..2", "", "a..b", "3.."] {
            assert!(text.parse::<Freeze>().is_err(), "{text}");
        }
    }
}
