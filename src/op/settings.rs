//! Settings that an optimiser or a loss declares in its own file, and the values that they have in a run.

use std::fmt;

/// Most settings of one optimiser or loss.
const MOST: usize = 8;

/// The values that a setting can take, with its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// A number of at least 0 and less than 1, the default.
    Share(f64),
    /// A number of more than 0, the default.
    Positive(f64),
    /// True or false, the default.
    Flag(bool),
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
}

/// A setting of an optimiser or a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Its key in a recipe; with `-` for `_` its flag.
    pub name: &'static str,
    /// What it does, in one phrase.
    pub doc: &'static str,
    /// What it can be.
    pub domain: Domain,
    /// Names of other programs, which flags accept.
    pub aliases: &'static [&'static str],
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of [`Domain::Share`] and [`Domain::Positive`].
    Number(f64),
    /// Of [`Domain::Flag`]: true or false.
    Flag(bool),
    /// Of [`Domain::Choice`]: one of its words.
    Word(&'a str),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

impl Setting {
    /// A number of at least 0 and less than 1.
    pub const fn share(name: &'static str, default: f64, doc: &'static str) -> Self {
        Self { name, doc, domain: Domain::Share(default), aliases: &[] }
    }

    /// A number of more than 0.
    pub const fn positive(name: &'static str, default: f64, doc: &'static str) -> Self {
        Self { name, doc, domain: Domain::Positive(default), aliases: &[] }
    }

    /// A setting that is true or false.
    pub const fn flag(name: &'static str, default: bool, doc: &'static str) -> Self {
        Self { name, doc, domain: Domain::Flag(default), aliases: &[] }
    }

    /// One of these words; the first is the default.
    pub const fn choice(name: &'static str, words: &'static [&'static str], doc: &'static str) -> Self {
        Self { name, doc, domain: Domain::Choice(words), aliases: &[] }
    }

    /// The same with names that other programs give it.
    pub const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Its value where none is given.
    pub const fn default(&self) -> Value<'static> {
        match self.domain {
            Domain::Share(number) | Domain::Positive(number) => Value::Number(number),
            Domain::Flag(flag) => Value::Flag(flag),
            Domain::Choice(words) => Value::Word(words[0]),
        }
    }

    /// Reads a value from text, as a flag gives it. Case does not matter.
    ///
    /// # Errors
    /// What the text must be, to follow the name of the setting. Whether a number lies in its range is left to
    /// [`Setting::accept`].
    pub fn parse<'a>(&self, text: &'a str) -> Result<Value<'a>, String> {
        let value = match self.domain {
            Domain::Share(_) | Domain::Positive(_) => text.parse().ok().map(Value::Number),
            Domain::Flag(_) => text.to_lowercase().parse().ok().map(Value::Flag),
            Domain::Choice(_) => Some(Value::Word(text)),
        };
        value.ok_or_else(|| format!("must be {}, not {text:?}", self.wanted()))
    }

    /// An accepted value of this setting as one number.
    fn code(&self, value: Value<'_>) -> f64 {
        match (self.domain, value) {
            (_, Value::Number(number)) => number,
            (_, Value::Flag(flag)) => f64::from(u8::from(flag)),
            (Domain::Choice(words), Value::Word(word)) => {
                let place = words.iter().position(|known| *known == word);
                place.unwrap_or_else(|| panic!("{} cannot be {word}", self.name)) as f64
            }
            (_, Value::Word(word)) => panic!("{} cannot be {word}", self.name),
        }
    }

    fn decode(&self, code: f64) -> Value<'static> {
        match self.domain {
            Domain::Share(_) | Domain::Positive(_) => Value::Number(code),
            Domain::Flag(_) => Value::Flag(code > 0.5),
            Domain::Choice(words) => Value::Word(words[code as usize]),
        }
    }

    /// What it can be, in words.
    pub fn wanted(&self) -> String {
        match self.domain {
            Domain::Share(_) => "a number of at least 0 and less than 1".into(),
            Domain::Positive(_) => "a number of more than 0".into(),
            Domain::Flag(_) => "true or false".into(),
            Domain::Choice(words) => words.join(" or "),
        }
    }

    /// The value as the kernels can take it: a number in its range, or one of the setting's own words.
    ///
    /// # Errors
    /// What the value must be, to follow the name of the setting.
    pub fn accept(&self, value: Value<'_>) -> Result<Value<'static>, String> {
        // Kernels compute with 32-bit numbers, and the nearest of those may lie outside the range.
        let accepted = match (self.domain, value) {
            (Domain::Share(_), Value::Number(number)) if (0.0..1.0).contains(&number) => {
                ((number as f32) < 1.0).then_some(Value::Number(number))
            }
            (Domain::Positive(_), Value::Number(number)) if number > 0.0 => {
                (number as f32).is_normal().then_some(Value::Number(number))
            }
            (Domain::Flag(_), Value::Flag(flag)) => Some(Value::Flag(flag)),
            (Domain::Choice(words), Value::Word(word)) => {
                words.iter().find(|known| known.eq_ignore_ascii_case(word)).map(|&known| Value::Word(known))
            }
            _ => return Err(format!("must be {}, not {value}", self.wanted())),
        };
        let shown = match value {
            Value::Number(number) => format!("{number:e} is not, once it is rounded to a 32-bit number"),
            other => format!("{other} is not"),
        };
        accepted.ok_or_else(|| format!("must be {}, which {shown}", self.wanted()))
    }
}

/// The values of all settings of one optimiser or loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    of: &'static [Setting],
    /// A number as it is, a flag as 0 or 1, a word by its place among the setting's words.
    codes: [f64; MOST],
}

impl Values {
    /// The values where there are no settings.
    pub const NONE: Self = Self::defaults(&[]);

    /// The default of each setting.
    pub const fn defaults(of: &'static [Setting]) -> Self {
        let mut codes = [0.0; MOST];
        let mut at = 0;
        while at < of.len() {
            codes[at] = match of[at].domain {
                Domain::Share(number) | Domain::Positive(number) => number,
                Domain::Flag(true) => 1.0,
                Domain::Flag(false) | Domain::Choice(_) => 0.0,
            };
            at += 1;
        }
        Self { of, codes }
    }

    /// The same with one setting changed.
    ///
    /// # Errors
    /// The setting cannot have that value.
    ///
    /// # Panics
    /// There is no setting of that name: a fault of ours.
    pub fn set(mut self, name: &str, value: Value<'_>) -> Result<Self, String> {
        let at = self.index(name);
        let accepted = self.of[at].accept(value).map_err(|what| format!("{name} {what}"))?;
        self.codes[at] = self.of[at].code(accepted);
        Ok(self)
    }

    /// The settings with their values, in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, Value<'static>)> {
        self.of.iter().zip(self.codes).map(|(setting, code)| (setting, setting.decode(code)))
    }

    /// The value of a setting that is a number.
    ///
    /// # Panics
    /// No number has that name: a fault of ours.
    pub fn number(&self, name: &str) -> f64 {
        let Value::Number(number) = self.value(name) else { panic!("{name} is not a number") };
        number
    }

    /// The value of a setting that is true or false.
    ///
    /// # Panics
    /// No flag has that name: a fault of ours.
    pub fn flag(&self, name: &str) -> bool {
        let Value::Flag(flag) = self.value(name) else { panic!("{name} is not a flag") };
        flag
    }

    /// The word that a setting chooses.
    ///
    /// # Panics
    /// No choice has that name: a fault of ours.
    pub fn word(&self, name: &str) -> &'static str {
        let Value::Word(word) = self.value(name) else { panic!("{name} is not a choice") };
        word
    }

    fn value(&self, name: &str) -> Value<'static> {
        let at = self.index(name);
        self.of[at].decode(self.codes[at])
    }

    fn index(&self, name: &str) -> usize {
        let found = self.of.iter().position(|setting| setting.name == name);
        found.unwrap_or_else(|| panic!("there is no setting {name}"))
    }
}

/// Gives the settings `own` of `name`, which is one of several of a `kind` (as in `optimizer`), the values in `given`;
/// `all` are the names and settings of all of that kind.
///
/// # Errors
/// A value is impossible, or a setting belongs to others; the message names those.
pub fn configure(
    (kind, name): (&str, &str),
    own: &'static [Setting],
    all: impl Iterator<Item = (&'static str, &'static [Setting])> + Clone,
    given: &[(&str, Value<'_>)],
) -> Result<Values, String> {
    let mut values = Values::defaults(own);
    for &(setting, value) in given {
        if own.iter().any(|known| known.name == setting) {
            values = values.set(setting, value)?;
            continue;
        }
        let has = |of: &'static [Setting]| of.iter().any(|known| known.name == setting);
        let owners: Vec<&str> = all.clone().filter(|&(_, of)| has(of)).map(|(name, _)| name).collect();
        let belongs = match owners.as_slice() {
            [] => format!("there is no setting {setting} of any {kind}"),
            owners => format!("{setting} belongs to {}, and the {kind} is {name}", owners.join(", ")),
        };
        return Err(format!("{belongs}: leave {setting} out"));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    static BALL: &[Setting] = &[
        Setting::share("grip", 0.5, "how much it holds"),
        Setting::positive("size", 2.0, "how large it is"),
        Setting::flag("round", true, "whether it is"),
        Setting::choice("colour", &["red", "blue"], "what it looks like"),
    ];
    static CUBE: &[Setting] = &[Setting::positive("edge", 1.0, "how long it is")];

    fn made(given: &[(&str, Value<'_>)]) -> Result<Values, String> {
        configure(("toy", "ball"), BALL, [("ball", BALL), ("cube", CUBE), ("dice", CUBE)].into_iter(), given)
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let values = made(&[("size", Value::Number(3.0)), ("colour", Value::Word("Blue"))]).unwrap();
        assert_eq!((values.number("grip"), values.number("size")), (0.5, 3.0));
        assert_eq!((values.flag("round"), values.word("colour")), (true, "blue"));
        assert_eq!(values.iter().count(), 4);
        assert_ne!(values, Values::defaults(BALL));
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        let refused = |name, value| made(&[(name, value)]).unwrap_err();
        for number in [-0.1, 1.0, f64::NAN, 0.999_999_999_99] {
            assert!(refused("grip", Value::Number(number)).starts_with("grip must be a number of at least 0 and less"));
        }
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-60, 1e60] {
            assert!(refused("size", Value::Number(number)).starts_with("size must be a number of more than 0"));
        }
        assert!(refused("round", Value::Number(1.0)).contains("true or false"));
        assert!(refused("colour", Value::Word("green")).contains("red or blue, which green is not"));
    }

    #[test]
    fn a_setting_of_another_is_refused_and_its_owners_are_named() {
        let refused = made(&[("edge", Value::Number(1.0))]).unwrap_err();
        assert_eq!(refused, "edge belongs to cube, dice, and the toy is ball: leave edge out");
        assert!(made(&[("weight", Value::Number(1.0))]).unwrap_err().contains("no setting weight of any toy"));
    }

    #[test]
    fn text_is_read_by_the_kind_of_the_setting() {
        assert_eq!(BALL[0].parse("0.25"), Ok(Value::Number(0.25)));
        assert_eq!(BALL[2].parse("FALSE"), Ok(Value::Flag(false)));
        assert_eq!(BALL[3].parse("Blue"), Ok(Value::Word("Blue")));
        assert!(BALL[0].parse("much").unwrap_err().contains("must be a number"));
    }
}
