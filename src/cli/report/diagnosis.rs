//! Which error to work on next: the model on each part of the run's data.

use super::super::diagnose::Parts;
use super::html;

/// Tables of the parts and of the gaps, and the next step. Of a model that answers numbers the errors stand side by side.
pub(super) fn html(parts: &Parts) -> String {
    let about = html::paragraph("The best model on each part of the run's data, by the rule for inference.");
    if let Some((header, lines)) = parts.errors_of_numbers() {
        let said = "Numbers are neither right nor wrong, so no gap between the parts is judged.";
        return about + &html::table(&header, &lines) + &html::paragraph(said);
    }
    let (header, lines) = parts.errors();
    let mut left = html::table(&header, &lines);
    left.extend(parts.caution().map(|said| html::paragraph(&capital(said))));
    let right = parts.gaps().map_or_else(String::new, |(header, lines)| html::table(&header, &lines));
    let remarks: String = parts.remarks().iter().map(|said| html::paragraph(&capital(said))).collect();
    let next = html::text(&parts.next());
    format!(
        "{about}<div class=\"side\">\n<div>{left}</div>\n<div>{right}</div>\n</div>\n{remarks}<p><b>Next:</b> {next}.</p>\n"
    )
}

/// A sentence with its first letter large, and its end.
fn capital(words: &str) -> String {
    let mut words = format!("{words}.");
    words[..1].make_ascii_uppercase();
    words
}
