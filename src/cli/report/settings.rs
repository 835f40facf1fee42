//! The recipe of a run, by section.

use super::html;
use crate::train::{Recipe, SETTINGS};
use std::fmt::Write;

/// The layers as a list, and every other setting of the recipe.
pub(super) fn html(recipe: &Recipe) -> String {
    let mut out = String::new();
    if let Some(layers) = &recipe.layers {
        let items: String =
            layers.iter().map(|layer| format!("<li><code>{}</code></li>\n", html::text(layer))).collect();
        let _ = write!(out, "<h3>layers</h3>\n<ol start=\"0\">\n{items}</ol>\n");
    }
    let mut sections: Vec<&str> = SETTINGS.iter().map(|setting| setting.section).collect();
    sections.dedup();
    out += "<div class=\"settings\">\n";
    for section in sections {
        let of = SETTINGS.iter().filter(|setting| setting.section == section && setting.name != "layers");
        let row = |name: &str, value: &toml::Value| {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            vec![name.to_owned(), shown]
        };
        let rows: Vec<Vec<String>> =
            of.filter_map(|setting| Some(row(setting.name, &(setting.to_toml)(setting, recipe)?))).collect();
        if !rows.is_empty() {
            let _ = write!(out, "<div><h3>{section}</h3>\n{}</div>\n", html::table(&["setting", "value"], &rows));
        }
    }
    out + "</div>\n"
}
