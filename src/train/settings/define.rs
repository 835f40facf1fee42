//! How the table of settings is declared: each entry becomes a field of `Recipe`, a field of `Settings` and a `Setting`.

use toml::Value as Toml;

/// A setting cannot change when a run is resumed: with other rows, another network or another optimiser it would be
/// another run.
pub const FIXED: u8 = 1;

/// The plan depends on a setting, so `wgrad plan` takes it too.
pub const PLAN: u8 = 2;

/// A setting is the positional argument of the command line, not a flag.
pub const POSITIONAL: u8 = 4;

/// A flag whose value may be left out, which means `true`.
pub const SWITCH: u8 = 8;

/// One setting of a recipe `R`: a key in its file and a flag of the command line.
#[derive(Debug)]
pub struct Setting<R> {
    /// The key in a recipe. The flag has `-` in place of `_`.
    pub name: &'static str,
    /// The section of a recipe that the key stands in.
    pub section: &'static str,
    /// Its documentation in one line.
    pub doc: String,
    /// What stands for the value in a help text.
    pub value: &'static str,
    /// The default in words. It is empty where a setting that is left out has no effect.
    pub default: String,
    /// Names of other programs, which flags accept.
    pub aliases: &'static [&'static str],
    /// `FIXED`, `PLAN`, `POSITIONAL` and `SWITCH`, added up.
    pub marks: u8,
    /// Reads the text of a flag into a recipe.
    pub read: fn(&Self, &mut R, &str) -> Result<(), String>,
    /// Reads a TOML value into a recipe.
    pub from_toml: fn(&Self, &mut R, &Toml) -> Result<(), String>,
    /// The value in a recipe as TOML, if the recipe has one.
    pub to_toml: fn(&Self, &R) -> Option<Toml>,
    /// Takes the value of another recipe, if that has one.
    pub take: fn(&Self, &mut R, &R),
}

impl<R> Setting<R> {
    /// Whether the setting has a mark.
    pub fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }
}

/// The type that a setting has once all defaults are filled in.
macro_rules! resolved {
    (optional, $type:ty) => { Option<$type> };
    ($how:ident, $type:ty) => { $type };
}

/// Takes a setting out of a recipe whose defaults are filled in.
macro_rules! resolve {
    (optional, $recipe:ident, $name:ident) => {
        $recipe.$name.clone()
    };
    ($how:ident, $recipe:ident, $name:ident) => {
        $recipe.$name.clone().unwrap_or_else(|| panic!("the default of {} is filled in", stringify!($name)))
    };
}

/// Fills in a default that depends on nothing else.
macro_rules! fill {
    (default, $recipe:ident, $name:ident, $default:expr) => {
        $recipe.$name.get_or_insert_with(|| $default);
    };
    ($how:ident, $recipe:ident, $name:ident,) => {};
}

/// Declares the settings. An entry is
///
/// ```text
/// /// Documentation, which help texts show.
/// NAME: TYPE, HOW, CHECK, MARKS, "VALUE", "DEFAULT IN WORDS", ["alias"];
/// ```
///
/// HOW is `default(EXPRESSION)`, `derived` for a default that follows from data or other settings
/// (`train/defaults.rs`), or `optional` for a setting that may stay out. CHECK refuses values out of range.
macro_rules! settings {
    ($( $section:ident { $(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty, $how:ident $(($default:expr))?, $check:expr, $marks:expr, $value:literal, $shown:literal,
        [$($alias:literal),*];
    )* } )*) => {
        /// A recipe: the settings of a run. A setting that is `None` takes its default when the data are known, in
        /// [`prepare`](crate::train::prepare).
        ///
        /// ```
        /// use wgrad::Recipe;
        ///
        /// let recipe = Recipe { epochs: Some(10), lr: Some(0.05), ..Recipe::default() };
        /// assert!(recipe.text().contains("epochs = 10"));
        /// ```
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Recipe {
            $($( $(#[doc = $doc])+ pub $name: Option<$type>, )*)*
            /// Values of the settings that optimisers and losses declare, by name.
            pub declared: Declared,
        }

        /// The settings of a run with every default filled in.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $($( $(#[doc = $doc])+ pub $name: resolved!($how, $type), )*)*
            /// Values of the settings that optimiser and loss declare, by name.
            pub declared: Declared,
        }

        /// All settings, in the order of a recipe. Those that optimisers and losses declare are the last.
        pub static SETTINGS: LazyLock<Vec<Setting<Recipe>>> = LazyLock::new(|| {
            let mut all: Vec<Setting<Recipe>> = vec![$($( Setting {
            name: stringify!($name),
            section: stringify!($section),
            doc: [$($doc.trim()),+].join(" "),
            value: $value,
            default: $shown.into(),
            aliases: &[$($alias),*],
            marks: $marks,
            read: |_: &Setting<Recipe>, recipe: &mut Recipe, text: &str| {
                let value = <$type as Value>::read(text)?;
                let check: fn(&$type) -> Result<(), String> = $check;
                check(&value)?;
                recipe.$name = Some(value);
                Ok(())
            },
            from_toml: |_: &Setting<Recipe>, recipe: &mut Recipe, value: &Toml| {
                let value = <$type as Value>::from_toml(value)?;
                let check: fn(&$type) -> Result<(), String> = $check;
                check(&value)?;
                recipe.$name = Some(value);
                Ok(())
            },
            to_toml: |_: &Setting<Recipe>, recipe: &Recipe| recipe.$name.as_ref().map(Value::to_toml),
            take: |_: &Setting<Recipe>, recipe: &mut Recipe, other: &Recipe| {
                if let Some(value) = &other.$name {
                    recipe.$name = Some(value.clone());
                }
            },
        } ),*),*];
            all.iter_mut().for_each(complete);
            all.extend(entries());
            all
        });

        impl HasDeclared for Recipe {
            fn declared(&self) -> &Declared {
                &self.declared
            }

            fn declared_mut(&mut self) -> &mut Declared {
                &mut self.declared
            }
        }

        impl Recipe {
            /// Fills in the defaults that depend on nothing else.
            pub(in crate::train) fn fill(&mut self) {
                $($( fill!($how, self, $name, $($default)?); )*)*
            }

            /// The settings of a recipe whose defaults are all filled in.
            pub(in crate::train) fn resolved(&self) -> Settings {
                Settings { $($( $name: resolve!($how, self, $name), )*)* declared: self.declared.clone() }
            }

            /// Refuses values that are out of range, as a program may set them.
            pub(super) fn check_each(&self) -> Result<(), String> {
                $($(
                    let check: fn(&$type) -> Result<(), String> = $check;
                    let checked = self.$name.as_ref().map_or(Ok(()), check);
                    checked.map_err(|what| named(stringify!($name), &what))?;
                )*)*
                Ok(())
            }
        }
    };
}
pub(super) use {fill, resolve, resolved, settings};

/// A setting's name before what is wrong with its value.
pub fn named(name: &str, what: &str) -> String {
    if what.starts_with(':') { format!("{name}{what}") } else { format!("{name} {what}") }
}
