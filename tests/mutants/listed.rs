//! Mutants that compute the same as their kernels, each with the reason.

use crate::draw::Mutant;
use serde::Deserialize;
use wgrad::kernel::Kernel;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Names of kernels; stars stand for anything.
    kernels: Vec<String>,
    /// The changed lines before, with one space between words; # stands for a number, or … for anything.
    from: String,
    /// Those after, each of them equivalent, with the same numbers; … stands for anything, and a star for the whole line.
    to: Vec<String>,
    /// Why.
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    equivalent: Vec<Entry>,
}

pub fn read() -> Vec<Entry> {
    let list: List = toml::from_str(include_str!("equivalent.toml")).unwrap();
    list.equivalent
}

impl Entry {
    fn names(&self, kernel: &str) -> bool {
        self.kernels.iter().any(|name| is_of(name, '*', kernel))
    }

    pub fn has(&self, mutant: &Mutant) -> bool {
        let is_one = |numbers: Vec<&str>| {
            let filled = |to: &String| numbers.iter().fold(to.clone(), |to, number| to.replacen('#', number, 1));
            self.to.iter().any(|to| to == "*" || is_of(&filled(to), '…', &mutant.lines[1]))
        };
        self.names(mutant.kernel) && self.stands_in(&mutant.lines[0]).is_some_and(is_one)
    }

    /// The numbers of a line that `from` has # for; `None` where the line is another.
    fn stands_in<'a>(&self, line: &'a str) -> Option<Vec<&'a str>> {
        if self.from.contains('…') {
            is_of(&self.from, '…', line).then(Vec::new)
        } else {
            numbers(&self.from, line)
        }
    }

    /// What is wrong with the entry itself.
    pub fn fault(&self, kernels: &[&'static Kernel]) -> Option<String> {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let stands = |kernel: &&&'static Kernel| {
            let text = kernel.wgsl();
            flat(&text).contains(&self.from) || text.lines().any(|line| self.stands_in(&flat(line)).is_some())
        };
        let named = kernels.iter().filter(|kernel| self.names(kernel.name));
        let found = named.filter(stands).count();
        let said = self.reason.split_whitespace().count() > 2 && !self.to.is_empty();
        (found == 0 || !said)
            .then(|| format!("{:?}: {} stands in none of them, or there is no reason", self.kernels, self.from))
    }
}

/// Whether a text is of a pattern, in which a sign stands for anything.
fn is_of(pattern: &str, anything: char, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once(anything) else { return pattern == text };
    let ends = |rest: &str| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && is_of(tail, anything, &rest[at..]));
    text.strip_prefix(head).is_some_and(ends)
}

/// What each # of a pattern stands for in a line; `None` where the line is not of the pattern.
fn numbers<'a>(pattern: &str, line: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split('#');
    let mut rest = line.strip_prefix(pieces.next()?)?;
    let mut found = vec![];
    for piece in pieces {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        found.push(number);
        rest = tail.strip_prefix(piece)?;
    }
    rest.is_empty().then_some(found)
}
