//! The columns of a table: their names, and which of them hold nothing to learn from.

use super::scan::{SHOWN, Scan};
use super::unnamed;
use crate::data::DataError;
use crate::names;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whether the first row holds names.
    pub(super) has_header: bool,
    /// The names, each once.
    pub(super) names: Vec<String>,
    /// The places of columns without a name that hold nothing, or count the rows.
    pub(super) left_out: Vec<usize>,
    /// What the user should know of them, in clauses.
    pub(super) notes: Vec<String>,
}

/// The name of a column without one, by its place from 0.
fn numbered(place: usize) -> String {
    format!("column_{}", place + 1)
}

impl Layout {
    /// The columns that a scan has found. Whether the first row holds names is what is `wanted`. Else it does if half of the
    /// names that are `known` to be needed stand in it. If none of those is more than a number, it is as in the table that
    /// was `trained` on, or else it does not. Otherwise the rows below tell.
    pub(super) fn new(scan: &Scan, wanted: Option<bool>, known: &[&str], trained: Option<bool>) -> Self {
        let has_header = wanted.unwrap_or_else(|| {
            if !known.is_empty() {
                let first: HashSet<&str> = scan.first.iter().map(String::as_str).collect();
                let present = known.iter().filter(|name| first.contains(*name)).count();
                if present * 2 >= known.len() {
                    return true;
                }
                if known.iter().all(|name| is_numbered(name)) {
                    return trained.unwrap_or(false);
                }
            }
            scan.evidence.says_header(&scan.first)
        });
        let mut layout = Self { has_header, names: vec![], left_out: vec![], notes: vec![] };
        if has_header {
            let numbers = scan.evidence.numbers();
            if wanted.is_none() && known.is_empty() && numbers > 0 {
                let all = scan.first.len();
                let hint = "the setting header decides whether the first row holds names";
                layout.notes.push(format!("{numbers} of {all} names of columns are numbers ({hint})"));
            }
            layout.names = header(scan);
            layout.name(scan);
            layout.tell_apart();
        } else {
            layout.number(scan);
        }
        layout
    }

    /// The columns of a table without a header.
    fn number(&mut self, scan: &Scan) {
        self.names = (0..scan.first.len()).map(numbered).collect();
        if let (Some(first), Some(last)) = (self.names.first(), self.names.last()) {
            let which = if first == last { first.clone() } else { format!("{first} to {last}") };
            self.notes.push(format!(
                "there is no header, so the columns are named {which} (`header = true` takes the first row)"
            ));
        }
        let last = scan.first.len().saturating_sub(1);
        let is_empty = scan.unnamed.iter().any(|column| column.place == last && column.is_empty());
        if last > 0 && is_empty && scan.first[last].is_empty() {
            self.left_out.push(last);
            self.notes.push(format!("{} holds nothing and is left out", numbered(last)));
        }
    }

    /// Gives the columns without a name one, and leaves out those that hold nothing, or count the rows.
    fn name(&mut self, scan: &Scan) {
        let (mut empty, mut counting, mut named) = (vec![], vec![], vec![]);
        for (place, name) in self.names.iter_mut().enumerate().filter(|(_, name)| unnamed::is_none(name)) {
            let found = scan.unnamed.binary_search_by_key(&place, |column| column.place).ok();
            let column = found.map(|index| &scan.unnamed[index]);
            *name = numbered(place);
            let list = match column {
                Some(column) if column.is_empty() => &mut empty,
                Some(column) if column.counts_rows() => &mut counting,
                _ => &mut named,
            };
            list.push((place + 1).to_string());
            if !std::ptr::eq(list, &named) {
                self.left_out.push(place);
            }
        }
        let mut note = |columns: &[String], one: &str, more: &str| match columns {
            [] => {}
            [column] => self.notes.push(format!("column {column} {one}")),
            _ => self.notes.push(format!("columns {} {more}", names::few(columns))),
        };
        note(&empty, "has no name and no values: it is left out", "have no names and no values: they are left out");
        note(
            &counting,
            "has no name and counts the rows: it is left out",
            "have no names and count the rows: they are left out",
        );
        let renamed = named.first().map_or_else(String::new, |first| format!("column_{first}"));
        note(
            &named,
            &format!("has no name: it is named {renamed}"),
            &format!("have no names: they are named {renamed} and so on"),
        );
    }

    /// Gives all but the first column of a name one of its own, as pandas does: `x`, `x.1`, `x.2`.
    fn tell_apart(&mut self) {
        let mut taken: HashSet<String> = self.names.iter().cloned().collect();
        if taken.len() == self.names.len() {
            return;
        }
        let mut met: HashMap<String, usize> = HashMap::new();
        let mut renamed = vec![];
        for name in &mut self.names {
            let count = met.entry(name.clone()).or_insert(0);
            if *count > 0 {
                let free =
                    (*count..).map(|number| (number, format!("{name}.{number}"))).find(|(_, new)| !taken.contains(new));
                let (number, new) = free.unwrap_or_else(|| (*count, name.clone()));
                *count = number;
                renamed.push(names::quoted(&new));
                taken.insert(new.clone());
                *name = new;
            }
            *count += 1;
        }
        let which = names::few(&renamed);
        self.notes.push(format!("columns of one name are told apart: later ones are named {which}"));
    }

    /// Refuses rows that have not as many fields as there are columns, and what else keeps rows from being read.
    pub(super) fn check(&self, scan: &Scan, path: &Path) -> Result<(), DataError> {
        let expected = self.names.len();
        let is_wrong = |fields: usize, filled: usize| fields != expected && (fields < expected || filled > expected);
        let first = if self.has_header { "the header" } else { "the first row" };
        let (mut faults, mut count) = (vec![], scan.conflicts.count);
        let conflict = |lines: &[usize; 2]| (lines[0], "git left the mark of a conflict here".to_owned());
        faults.extend(scan.conflicts.lines.iter().map(conflict));
        let mut right = 0;
        for (&(fields, filled), seen) in &scan.widths {
            if !is_wrong(fields, filled) {
                right += seen.count;
                continue;
            }
            count += seen.count;
            let noun = if fields == 1 { "field" } else { "fields" };
            faults.extend(seen.lines.iter().map(|&[line, last]| {
                let open = if last > line {
                    format!(" and goes on to line {last}, perhaps since a quotation mark is not closed")
                } else {
                    String::new()
                };
                (line, format!("the row has {fields} {noun} where {first} has {expected}{open}"))
            }));
        }
        let mut found: Vec<usize> = scan.widths.keys().map(|key| key.0).collect();
        found.dedup();
        if let ([rows], 0, true) = (&found[..], right, self.has_header && scan.rows() > 1) {
            return Err(DataError::HeaderWidth {
                path: path.to_owned(),
                line: scan.line,
                header: expected,
                rows: *rows,
            });
        }
        if count == 0 {
            return Ok(());
        }
        faults.sort_by_key(|fault| fault.0);
        faults.truncate(SHOWN);
        Err(DataError::Faults { path: path.to_owned(), faults, count })
    }
}

/// Whether a name is one that a column without a name gets.
fn is_numbered(name: &str) -> bool {
    name.strip_prefix("column_").is_some_and(|number| number.parse::<usize>().is_ok())
}

/// The names in the first row, one for each field of the rows: a separator may end the first row alone, and a first column
/// of row names may have none.
fn header(scan: &Scan) -> Vec<String> {
    let mut names = scan.first.clone();
    let all = |width: usize| !scan.widths.is_empty() && scan.widths.keys().all(|key| *key == (width, width));
    if names.len() > 2 && names.last().is_some_and(String::is_empty) && all(names.len() - 1) {
        names.pop();
    } else if names.len() >= 2 && all(names.len() + 1) {
        names.insert(0, String::new());
    }
    names
}
