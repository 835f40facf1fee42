//! Texts in markup, of pages and drawings.

use crate::names::shown;

/// A text as it may stand between tags and in attributes in double quotes, of HTML and of XML; with nothing that a terminal
/// could take for more.
pub(super) fn text(text: &str) -> String {
    let shown = shown(text);
    let mut out = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}
