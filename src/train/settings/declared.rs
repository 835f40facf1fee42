//! The settings that optimisers and losses declare in their own files ([`crate::ops`]): their entries in the table of
//! settings, and the values that a recipe gives them.

use super::define::{FIXED, PLAN, SWITCH, Setting};
use crate::names::short;
use crate::op::{self, Domain, LossKind, OptimizerKind, Value};
use crate::ops::{losses, optimizers};
use std::collections::BTreeMap;
use toml::Value as Toml;

/// The value of a declared setting, as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A setting that is a number.
    Number(f64),
    /// A setting that is true or false.
    Flag(bool),
    /// One of several words.
    Word(String),
}

impl Given {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Flag(flag) => Value::Flag(*flag),
            Self::Word(word) => Value::Word(word),
        }
    }
}

impl From<Value<'_>> for Given {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Number(number) => Self::Number(number),
            Value::Flag(flag) => Self::Flag(flag),
            Value::Word(word) => Self::Word(word.into()),
        }
    }
}

/// The values of declared settings by name.
pub type Declared = BTreeMap<&'static str, Given>;

/// A recipe, as far as declared settings go.
pub(super) trait HasDeclared {
    fn declared(&self) -> &Declared;
    fn declared_mut(&mut self) -> &mut Declared;
}

/// The default optimiser of tables and of larger pictures, which has a rate of its own there, and on tables a decay too.
pub(in crate::train) const ADAPTIVE: &str = "adamw";

fn of_optimizers() -> impl Iterator<Item = (&'static str, &'static op::Setting)> + Clone {
    optimizers().flat_map(|kind| kind.settings.iter().map(|setting| (kind.name, setting)))
}

fn of_losses() -> impl Iterator<Item = (&'static str, &'static op::Setting)> + Clone {
    losses().flat_map(|kind| kind.settings.iter().map(|setting| (kind.name, setting)))
}

/// What is given of the settings that some optimiser has.
pub(in crate::train) fn given_to_optimizer(declared: &Declared) -> Vec<(&str, Value<'_>)> {
    given(declared, |name| of_optimizers().any(|(_, setting)| setting.name == name))
}

/// What is given of the settings that some loss has.
pub(in crate::train) fn given_to_loss(declared: &Declared) -> Vec<(&str, Value<'_>)> {
    given(declared, |name| of_losses().any(|(_, setting)| setting.name == name))
}

fn given(declared: &Declared, has: impl Fn(&str) -> bool) -> Vec<(&str, Value<'_>)> {
    declared.iter().filter(|(name, _)| has(name)).map(|(&name, given)| (name, given.value())).collect()
}

/// The entries of all declared settings, each once.
pub(super) fn entries<R: HasDeclared>() -> Vec<Setting<R>> {
    let mut entries = vec![];
    for (marks, all) in [(PLAN, of_optimizers().collect::<Vec<_>>()), (FIXED | PLAN, of_losses().collect())] {
        let mut names: Vec<&str> = all.iter().map(|(_, setting)| setting.name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let of: Vec<_> = all.iter().copied().filter(|(_, setting)| setting.name == name).collect();
            entries.push(entry(marks, &of));
        }
    }
    entries
}

/// The entry of a setting, of which each owner has a declaration.
fn entry<R: HasDeclared>(marks: u8, of: &[(&'static str, &'static op::Setting)]) -> Setting<R> {
    let (_, first) = of[0];
    let owners: Vec<&str> = of.iter().map(|(owner, _)| *owner).collect();
    let defaults: Vec<String> = of.iter().map(|(_, setting)| setting.default().to_string()).collect();
    let alike = defaults.iter().all(|default| *default == defaults[0]);
    let each = || owners.iter().zip(&defaults).map(|(owner, default)| format!("{owner} {default}")).collect::<Vec<_>>();
    let words = match first.domain {
        Domain::Choice(words) => format!(": {}", words.join(" or ")),
        _ => String::new(),
    };
    Setting {
        name: first.name,
        section: "train",
        doc: format!("{}: {}{words}.", owners.join(", "), first.doc),
        value: match first.domain {
            Domain::Share(_) | Domain::Positive(_) => "NUMBER",
            Domain::Flag(_) => "BOOL",
            Domain::Choice(_) => "KIND",
        },
        default: if alike { defaults[0].clone() } else { each().join("; ") },
        aliases: first.aliases,
        marks: if matches!(first.domain, Domain::Flag(_)) { marks | SWITCH } else { marks },
        read: |setting, recipe, text| set(recipe, setting.name, declaration(setting.name).parse(text)?),
        from_toml: |setting, recipe, value| set(recipe, setting.name, of_toml(declaration(setting.name), value)?),
        to_toml: |setting, recipe| recipe.declared().get(setting.name).map(toml_of),
        take: |setting, recipe, other| {
            if let Some(given) = other.declared().get(setting.name) {
                recipe.declared_mut().insert(setting.name, given.clone());
            }
        },
    }
}

fn declaration(name: &str) -> &'static op::Setting {
    let found = of_optimizers().chain(of_losses()).find(|(_, setting)| setting.name == name);
    found.map_or_else(|| panic!("no optimiser and no loss declares {name}"), |(_, setting)| setting)
}

/// Gives a recipe a declared setting.
///
/// # Panics
/// No optimiser and no loss declares it.
pub(super) fn set<R: HasDeclared>(recipe: &mut R, name: &str, value: Value<'_>) -> Result<(), String> {
    let setting = declaration(name);
    recipe.declared_mut().insert(setting.name, setting.accept(value)?.into());
    Ok(())
}

fn of_toml<'a>(setting: &op::Setting, value: &'a Toml) -> Result<Value<'a>, String> {
    match value {
        Toml::Float(number) => Ok(Value::Number(*number)),
        Toml::Integer(whole) => Ok(Value::Number(*whole as f64)),
        Toml::Boolean(flag) => Ok(Value::Flag(*flag)),
        Toml::String(word) if matches!(setting.domain, Domain::Choice(_)) => Ok(Value::Word(word)),
        other => Err(format!("must be {}, not {}", setting.wanted(), short(&other.to_string()))),
    }
}

fn toml_of(given: &Given) -> Toml {
    match given {
        Given::Number(number) => Toml::Float(*number),
        Given::Flag(flag) => Toml::Boolean(*flag),
        Given::Word(word) => Toml::String(word.clone()),
    }
}

/// Says in the entries that depend on all optimisers and losses what those are.
pub(super) fn complete<R>(entry: &mut Setting<R>) {
    let list = |names: Vec<&str>| names.join(", ");
    match entry.name {
        "optimizer" => entry.doc = format!("Optimiser: {}.", list(optimizers().map(|kind| kind.name).collect())),
        "loss" => entry.doc = format!("Loss: {}.", list(losses().map(|kind: &LossKind| kind.name).collect())),
        "lr" => {
            entry.default = of_each(|kind| {
                let numbers = if kind.lr == kind.lr_of_numbers { None } else { Some(kind.lr_of_numbers) };
                let numbers = numbers.map_or_else(String::new, |lr| format!(" ({lr} for a regression)"));
                format!("{}{numbers}", kind.lr)
            });
            entry.default += &format!("; {} on tables and on pictures of more than 1,024 values 0.01", ADAPTIVE);
        }
        "weight_decay" => {
            entry.default = of_each(|kind| kind.weight_decay.to_string());
            entry.default += &format!("; {} on tables 0.1, 1 or 3", ADAPTIVE);
        }
        _ => {}
    }
}

fn of_each(text: impl Fn(&OptimizerKind) -> String) -> String {
    optimizers().map(|kind| format!("{} {}", kind.name, text(kind))).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flag has one meaning, and one kind of value.
    #[test]
    fn settings_of_one_name_agree() {
        for (owner, setting) in of_optimizers() {
            assert!(
                of_losses().all(|(_, other)| other.name != setting.name),
                "{owner}: a loss has {} too",
                setting.name
            );
        }
        for (owner, setting) in of_optimizers().chain(of_losses()) {
            let first = declaration(setting.name);
            let alike = std::mem::discriminant(&first.domain) == std::mem::discriminant(&setting.domain);
            assert!(alike && first.doc == setting.doc, "{owner}: {} differs from the others'", setting.name);
        }
    }
}
