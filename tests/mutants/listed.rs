//! Mutants that compute the same as their kernels, each with the reason.

use crate::draw::Mutant;
use serde::Deserialize;
use wgrad::kernel::Kernel;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Names of kernels; a star stands for anything.
    kernels: Vec<String>,
    /// The changed lines before, with one space between words.
    from: String,
    /// Those after, each of them equivalent; a star stands for anything, where the line does nothing.
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
        let matches = |name: &String| match name.split_once('*') {
            Some((head, tail)) => kernel.strip_prefix(head).is_some_and(|rest| rest.ends_with(tail)),
            None => name == kernel,
        };
        self.kernels.iter().any(matches)
    }

    pub fn has(&self, mutant: &Mutant) -> bool {
        self.names(mutant.kernel)
            && self.from == mutant.lines[0]
            && self.to.iter().any(|to| to == "*" || *to == mutant.lines[1])
    }

    /// What is wrong with the entry itself.
    pub fn fault(&self, kernels: &[&'static Kernel]) -> Option<String> {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let stands = |kernel: &&&'static Kernel| flat(&kernel.wgsl()).contains(&self.from);
        let named = kernels.iter().filter(|kernel| self.names(kernel.name));
        let found = named.filter(stands).count();
        let said = self.reason.split_whitespace().count() > 2 && !self.to.is_empty();
        (found == 0 || !said)
            .then(|| format!("{:?}: {} stands in none of them, or there is no reason", self.kernels, self.from))
    }
}
