//! What a run has noted of its layers, as its table says it.

use super::super::show;
use super::html;
use crate::files;
use std::fmt::Write;
use std::path::Path;

/// Most lines that are shown.
const MOST: usize = 100;

/// Width and height of the bars of a histogram, in pixels.
const BAR: [f64; 2] = [5.0, 20.0];

/// The lines of the last epoch in a run's `health.csv`; nothing where there is no such file. What cannot be read is left out, and
/// said to be.
pub(super) fn html(run: &Path) -> Option<String> {
    match std::fs::read(run.join("health.csv")) {
        Ok(bytes) => Some(of(&String::from_utf8_lossy(&bytes))),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => None,
        Err(why) => Some(html::paragraph(&format!("health.csv cannot be read: {}", files::reason(&why)))),
    }
}

fn of(text: &str) -> String {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let at = |name: &str| header.iter().position(|column| column == name);
    let (Some(epoch), Some(_)) = (at("epoch"), at("layer")) else {
        return html::paragraph("health.csv has no columns epoch and layer, and is left out.");
    };
    let (mut rows, mut cut) = (vec![], 0);
    for record in reader.records() {
        match record {
            Ok(record) if record.len() == header.len() => rows.push(record),
            _ => cut += 1,
        }
    }
    let mut about = match rows.last().map(|last| last[epoch].to_owned()) {
        None => "health.csv holds no line that is whole.".to_owned(),
        Some(last) => {
            rows.retain(|row| row[epoch] == last);
            format!("Epoch {last}.")
        }
    };
    if rows.len() > MOST {
        let _ = write!(about, " The first {MOST} of its {} layers.", rows.len());
        rows.truncate(MOST);
    }
    if cut > 0 {
        let _ = write!(about, " Lines of health.csv that are not whole and left out: {cut}.");
    }
    if rows.iter().flatten().any(|field| counts(field).is_some()) {
        about += " Bars count values by magnitude, from those below 10⁻⁸ on, each for a power of ten.";
    }
    let names: Vec<String> = header.iter().map(|name| name.replace('_', " ")).collect();
    let others = |i: &usize| *i != epoch;
    let names: Vec<&str> = (0..names.len()).filter(others).map(|i| names[i].as_str()).collect();
    let cells = |row: &csv::StringRecord| (0..row.len()).filter(others).map(|i| cell(&row[i])).collect();
    let table = html::table_with_names(&names, &rows.iter().map(cells).collect::<Vec<_>>());
    html::paragraph(&about) + &format!("<div class=\"layers\">{table}</div>\n")
}

/// A field: a fraction with four digits, several counts as bars, and all else as it is.
fn cell(field: &str) -> String {
    if let Some(counts) = counts(field) {
        return bars(&counts);
    }
    match field.parse::<f64>() {
        Ok(value) if field.contains(['.', 'e']) => html::text(&show::number(value)),
        _ => html::text(field),
    }
}

/// The numbers of a histogram.
fn counts(field: &str) -> Option<Vec<u64>> {
    let counts: Vec<u64> = field.split(' ').map(|count| count.parse().ok()).collect::<Option<_>>()?;
    (counts.len() > 1).then_some(counts)
}

/// Bars, the highest of which is the largest count.
fn bars(counts: &[u64]) -> String {
    let ([wide, high], largest) = (BAR, counts.iter().copied().max().unwrap_or(0).max(1) as f64);
    let mut rects = String::new();
    for (i, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        // One of very many is still seen.
        let height = (high * count as f64 / largest).max(1.0);
        let (x, y, width) = (i as f64 * wide, high - height, wide - 1.0);
        let _ = write!(rects, "<rect x=\"{x}\" y=\"{y:.1}\" width=\"{width}\" height=\"{height:.1}\"/>");
    }
    let (width, numbers) =
        (counts.len() as f64 * wide, counts.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    format!(
        "<svg class=\"bars\" width=\"{width}\" height=\"{high}\" viewBox=\"0 0 {width} {high}\" role=\"img\" \
         aria-label=\"{numbers}\"><title>{numbers}</title>{rects}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_epoch_is_shown_with_short_numbers_and_bars() {
        let page =
            of("epoch,layer,dead,weight_norm,all\n1,0,0,0.5,1 2\n2,0,,0.123456789,0 2 1\n2,1.relu,NaN,<b>,x\n2,2");
        assert!(page.contains("Epoch 2. Lines of health.csv that are not whole and left out: 1. Bars"), "{page}");
        assert!(page.contains("<th>layer</th><th>dead</th><th>weight norm</th>"), "{page}");
        assert!(
            page.contains("<td data-of=\"dead\"></td><td data-of=\"weight norm\">0.1235</td><td data-of=\"all\"><svg"),
            "{page}"
        );
        assert!(page.contains("<td data-of=\"layer\">1.relu</td><td data-of=\"dead\">NaN</td><td data-of=\"weight norm\">&lt;b&gt;</td>"), "{page}");
        let bars = "<rect x=\"5\" y=\"0.0\" width=\"4\" height=\"20.0\"/><rect x=\"10\" y=\"10.0\" width=\"4\" height=\"10.0\"/>";
        assert!(page.contains(bars), "{page}");
    }

    #[test]
    fn of_very_many_layers_the_first_are_shown_and_it_is_said() {
        let lines: String = (0..MOST + 1).map(|layer| format!("3,{layer},0\n")).collect();
        let page = of(&format!("epoch,layer,dead\n{lines}"));
        assert!(page.contains(&format!("The first {MOST} of its {} layers.", MOST + 1)), "{page}");
        assert!(page.contains(">0</td>") && !page.contains(&format!(">{MOST}</td>")), "{page}");
    }

    #[test]
    fn what_is_no_table_of_layers_is_left_out() {
        for text in ["", "\0\u{1}", "epoch,loss\n1,2\n"] {
            assert!(of(text).contains("is left out"), "{text:?}");
        }
        assert!(of("epoch,layer\n").contains("no line that is whole"));
    }
}
