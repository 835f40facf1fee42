//! Recipes as TOML files. Errors name the key, the line and the nearest known key.

use super::settings::{Recipe, SETTINGS, Setting, named};
use crate::error::Error;
use crate::files;
use crate::names::{nearest, short};
use crate::nn;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// The sections of a recipe, in their order.
fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&str> = SETTINGS.iter().map(|setting| setting.section).collect();
    sections.dedup();
    sections
}

impl Recipe {
    /// Reads a recipe. Its paths become relative to the recipe's own folder.
    ///
    /// # Errors
    /// Names the key, the line and the nearest known key of every fault.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path, "cannot be read"))?;
        let mut recipe = Self::read(&text, path)?;
        if let Some(folder) = path.parent() {
            recipe.change_paths(|path| files::path_from(folder, path).to_string_lossy().into_owned());
        }
        Ok(recipe)
    }

    /// Reads the text of a recipe, which faults call by `name`. Its paths stay as they are.
    ///
    /// # Errors
    /// As [`Recipe::open`], of the text.
    pub fn read(text: &str, name: &Path) -> Result<Self, Error> {
        Self::parse(text).map_err(|faults| told(name, faults))
    }

    fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let line = |span: Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
        let root = DeTable::parse(text).map_err(|error| {
            let first = error.message().lines().next().unwrap_or("the file is not TOML");
            vec![Fault { line: error.span().map(line), what: first.to_owned() }]
        })?;
        let (mut recipe, mut lines, mut faults) = (Self::default(), vec![], vec![]);
        for (section, value) in root.get_ref() {
            let at = Some(line(section.span()));
            let DeValue::Table(table) = value.get_ref() else {
                faults.push(Fault { line: at, what: outside(section.get_ref()) });
                continue;
            };
            if !known(section.get_ref()) {
                let what = format!(
                    "unknown section [{}]; {}",
                    short(section.get_ref()),
                    nearest(section.get_ref(), &sections())
                );
                faults.push(Fault { line: at, what });
                continue;
            }
            for (key, value) in table {
                let at = line(key.span());
                match recipe.set(section.get_ref(), key.get_ref(), value) {
                    Ok(name) => lines.push((name, at)),
                    Err(what) => faults.push(Fault { line: Some(at), what }),
                }
            }
        }
        // A setting may be missing only because its key could not be read.
        let is_read = faults.is_empty();
        let between = recipe.faults().into_iter().filter(|what| is_read || !what.contains(" is missing"));
        faults.extend(between.map(|what| {
            let key = what.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            Fault { line: lines.iter().find(|(name, _)| *name == key).map(|(_, line)| *line), what }
        }));
        let of_layers = recipe.layers.as_deref().map_or_else(Vec::new, nn::faults);
        let fault =
            |error: nn::NotationError| Fault { line: line_of_layer(text, &error.text), what: error.to_string() };
        faults.extend(of_layers.into_iter().map(fault));
        if faults.is_empty() { Ok(recipe) } else { Err(faults) }
    }

    /// Sets the key of a section, and gives the name of the setting.
    fn set(&mut self, section: &str, key: &str, value: &Spanned<DeValue<'_>>) -> Result<&'static str, String> {
        let setting = find(section, key)?;
        (setting.from_toml)(setting, self, &plain(value)?).map_err(|what| named(setting.name, &what))?;
        Ok(setting.name)
    }

    /// The recipe as TOML.
    pub fn text(&self) -> String {
        let mut root = Table::new();
        for section in sections() {
            let of = SETTINGS.iter().filter(|setting| setting.section == section);
            let keys: Table = of.filter_map(|s| Some((s.name.to_owned(), (s.to_toml)(s, self)?))).collect();
            if !keys.is_empty() {
                root.insert(section.to_owned(), Value::Table(keys));
            }
        }
        toml::to_string(&root).unwrap_or_else(|error| panic!("a recipe is always TOML: {error}"))
    }
}

/// What is wrong with a recipe, and in which line.
struct Fault {
    line: Option<usize>,
    what: String,
}

/// Most faults of a recipe that are told together.
const TOLD: usize = 10;

/// All faults of a recipe in one sentence, by line.
fn told(path: &Path, mut faults: Vec<Fault>) -> Error {
    faults.sort_by_key(|fault| fault.line);
    let line = |fault: &Fault| fault.line.map_or_else(String::new, |line| format!("line {line}: "));
    let shown = path.display();
    Error::Setting(match faults.as_slice() {
        [fault] => {
            let line = fault.line.map_or_else(String::new, |line| format!(" line {line}"));
            format!("{shown}{line}: {}", fault.what)
        }
        _ => {
            let told: Vec<String> = faults.iter().take(TOLD).map(|fault| line(fault) + &fault.what).collect();
            let more = match faults.len().saturating_sub(TOLD) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            format!("{shown} has {} faults: {}{more}", faults.len(), told.join("; "))
        }
    })
}

fn known(section: &str) -> bool {
    sections().contains(&section)
}

/// The setting of a key in a section.
fn find(section: &str, key: &str) -> Result<&'static Setting<Recipe>, String> {
    let of = || SETTINGS.iter().filter(|setting| setting.section == section);
    if let Some(setting) = of().find(|setting| setting.name == key) {
        return Ok(setting);
    }
    if let Some(other) = SETTINGS.iter().find(|setting| setting.name == key) {
        return Err(format!("{key} belongs to [{}], not to [{section}]", other.section));
    }
    let flag = key.replace('_', "-");
    if let Some(meant) = SETTINGS.iter().find(|setting| setting.aliases.contains(&flag.as_str())) {
        return Err(format!("unknown key {}; did you mean {} in [{}]?", short(key), meant.name, meant.section));
    }
    Err(format!("unknown key {}; {}", short(key), nearest(key, &of().map(|setting| setting.name).collect::<Vec<_>>())))
}

/// What is wrong with a key that stands in no section.
fn outside(key: &str) -> String {
    match SETTINGS.iter().find(|setting| setting.name == key) {
        Some(setting) => format!("{key} does not stand here: it belongs to [{}]", setting.section),
        None if known(key) => format!("{key} is a section: write [{key}] above its keys"),
        None => format!("unknown key {}; the sections are [{}]", short(key), sections().join("], [")),
    }
}

/// A TOML value without the places that it was read from.
fn plain(value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Boolean(bool) => Value::Boolean(*bool),
        DeValue::Float(float) => Value::Float(float.as_str().parse().map_err(|_| out_of_range(float.as_str()))?),
        DeValue::Integer(whole) => Value::Integer(
            i64::from_str_radix(whole.as_str(), whole.radix()).map_err(|_| out_of_range(whole.as_str()))?,
        ),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => Value::Array(items.iter().map(plain).collect::<Result<_, _>>()?),
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Ok::<_, String>((key.clone().into_owned(), plain(value)?))
            };
            Value::Table(table.iter().map(pair).collect::<Result<_, _>>()?)
        }
    })
}

fn out_of_range(number: &str) -> String {
    format!("the number {} is too large", short(number))
}

/// The first line that holds a layer's text in quotation marks.
fn line_of_layer(text: &str, layer: &str) -> Option<usize> {
    let quoted = [format!("\"{layer}\""), format!("'{layer}'")];
    text.lines().position(|line| quoted.iter().any(|quoted| line.contains(quoted))).map(|line| line + 1)
}
