//! Which separator a text was written with.

use super::super::format::{Run, Separator};
use super::class::Class;
use csv::{ByteRecord, ReaderBuilder};
use std::collections::HashMap;

/// Rows that are looked at.
const ROWS: usize = 100;
/// Fields that are looked at, if there are two rows of them.
const FIELDS: usize = 1 << 20;
/// Separators that are told from each other by the fields that they make.
const MARKS: [Separator; 4] = [Separator::Comma, Separator::Semicolon, Separator::Tab, Separator::Pipe];
/// The share of rows that must have one number of fields where blanks are to separate them, and of fields that are numbers.
const ALIKE: f64 = 0.98;

/// The first rows of a text as a separator cuts them.
struct Cut {
    /// Fields of the first row.
    first: usize,
    /// The number of fields that most rows have.
    usual: usize,
    /// The share of the rows that have so many.
    alike: f64,
    /// The share of the fields that are numbers, or missing.
    clean: f64,
}

impl Cut {
    /// Of rows, each with its number of fields and of those among them that are numbers or missing.
    fn of(rows: &[(usize, usize)]) -> Self {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        rows.iter().for_each(|&(fields, _)| *counts.entry(fields).or_default() += 1);
        let (usual, count) = counts.into_iter().max_by_key(|&(fields, count)| (count, fields)).unwrap_or((1, 0));
        let [all, clean] = rows.iter().fold([0, 0], |[all, clean], row| [all + row.0, clean + row.1]);
        Self {
            first: rows.first().map_or(1, |row| row.0),
            usual,
            alike: count as f64 / rows.len().max(1) as f64,
            clean: clean as f64 / all.max(1) as f64,
        }
    }

    /// Whether the first row is cut like most others: a separator may end all of them or none of them but the first, and
    /// a header may lack the name of a first column.
    fn fits(&self) -> bool {
        self.usual >= 2 && self.first >= 2 && self.first.abs_diff(self.usual) <= 1
    }

    fn score(&self) -> f64 {
        self.alike * (1.0 + self.clean)
    }
}

/// The separator of a text: the one that cuts its first rows into the same number of fields, as many of them numbers as
/// can be. Blanks are, where all rows are as many fields between blanks, and most of those numbers. Where none is, there is
/// one column, if not most rows have a mark that the first lacks. Of equally good ones it is that of the table `trained` on.
pub(super) fn recognise(text: &str, trained: Option<Separator>) -> Separator {
    let mut cuts: Vec<(Separator, Cut)> = MARKS.into_iter().map(|mark| (mark, cut(text, mark))).collect();
    let head: String = text.split_inclusive('\n').filter(|line| !line.trim().is_empty()).take(ROWS).collect();
    let by_blanks = cut(&tabs_for_blanks(&head), Separator::Blanks);
    if by_blanks.alike >= ALIKE && (by_blanks.clean >= 0.5 || trained == Some(Separator::Blanks)) {
        cuts.push((Separator::Blanks, by_blanks));
    }
    let best = |fits: &dyn Fn(&Cut) -> bool| {
        let all = cuts.iter().filter(|(_, cut)| fits(cut));
        let is_trained = |separator: Separator| trained == Some(separator);
        let better = |(a_is, a): &&(Separator, Cut), (b_is, b): &&(Separator, Cut)| {
            let scores = a.score().total_cmp(&b.score());
            scores.then(is_trained(*a_is).cmp(&is_trained(*b_is))).then(a.usual.cmp(&b.usual))
        };
        // Of equal ones the first.
        all.rev().max_by(better).map(|found| found.0)
    };
    if let Some(separator) = best(&Cut::fits) {
        return separator;
    }
    if one_column_of_commas(text) {
        return Separator::Semicolon;
    }
    best(&|cut| cut.usual >= 2 && cut.alike >= 0.5).unwrap_or(Separator::Comma)
}

fn cut(text: &str, separator: Separator) -> Cut {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator.byte()).from_reader(text.as_bytes());
    let (mut rows, mut fields, mut record) = (vec![], 0, ByteRecord::new());
    while rows.len() < ROWS
        && (rows.len() < 2 || fields < FIELDS)
        && reader.read_byte_record(&mut record).unwrap_or(false)
    {
        let clean = |field: &&[u8]| std::str::from_utf8(field).is_ok_and(|field| is_clean(field, separator));
        rows.push((record.len(), record.iter().filter(clean).count()));
        fields += record.len();
    }
    Cut::of(&rows)
}

/// Whether a field is one number or missing.
fn is_clean(field: &str, separator: Separator) -> bool {
    let field = field.trim();
    match Class::of(field) {
        Class::Number | Class::Missing => true,
        _ => separator != Separator::Comma && Run::of(field).is_some_and(Run::may_be_comma),
    }
}

/// Whether below a first line without commas there is a number with at most a decimal comma on every line.
fn one_column_of_commas(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(ROWS);
    let first_is_name = lines.next().is_some_and(|line| !line.contains(','));
    let mut rest = lines.peekable();
    first_is_name && rest.peek().is_some() && rest.all(|line| is_clean(line, Separator::Blanks))
}

/// A text in which runs of blanks separate fields, with one tab in place of each; a quoted field keeps its own. Blanks at the
/// beginning and at the end of a line separate nothing.
pub(super) fn tabs_for_blanks(text: &str) -> String {
    let mut tabbed = String::with_capacity(text.len());
    let (mut begun, mut quoted, mut wanted) = (false, false, false);
    for character in text.chars() {
        match character {
            '\n' | '\r' => {
                (begun, quoted, wanted) = (false, false, false);
                tabbed.push(character);
            }
            ' ' | '\t' if !quoted => wanted = begun,
            _ => {
                if std::mem::take(&mut wanted) {
                    tabbed.push('\t');
                }
                begun = true;
                quoted ^= character == '"';
                tabbed.push(character);
            }
        }
    }
    tabbed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_separator_is_recognised() {
        for (mark, separator) in
            [(",", Separator::Comma), (";", Separator::Semicolon), ("\t", Separator::Tab), ("|", Separator::Pipe)]
        {
            for text in ["a,b,y\n1,2,u\n3,4,v\n", "1,u\n2,v", "a,b\n", "x,y\n\"1,\n2\",u\n3,v\n", "a,b,y,\n1,2,u,\n"] {
                assert_eq!(recognise(&text.replace(',', mark), None), separator, "{text:?} with {mark:?}");
            }
        }
    }

    #[test]
    fn marks_inside_of_fields_are_not_taken_for_separators() {
        for (text, separator) in [
            ("a;b;y\n0,1257;-0,1321;0\n0,6404;0,1049;1\n", Separator::Semicolon),
            ("0,12;-0,13;0\n0,64;0,10;1\n", Separator::Semicolon),
            ("1,5\t2,5\n3,5\t4,5\n", Separator::Tab),
            ("a,b,y\n\"1;2\",3,\"u;v\"\n\"4;5\",6,\"v;w\"\n", Separator::Comma),
            ("name,note,y\n\"Smith, J\",a;b,1\n\"Doe, K\",c;d,2\n", Separator::Comma),
            ("name;y\nSmith, J;1\nDoe, K;2\n", Separator::Semicolon),
            ("Bob;Paris, France;3\nAnn;Rome, Italy;4\n", Separator::Semicolon),
            ("a,b,y\n1,2,u|v\n3,4,w|x\n", Separator::Comma),
            // A few rows are cut wrongly, with commas in the right ones.
            ("a;b;y\n1,5;2;u\n1,5;2\n1,5;2;v\n1,5;2;v\n", Separator::Semicolon),
        ] {
            assert_eq!(recognise(text, None), separator, "{text:?}");
        }
    }

    #[test]
    fn one_column_stays_one() {
        for text in [
            "x\n1\n2\n",
            "x\nred\nblue\n",
            "x\n\"a, b\"\n\"c, d\"\n",
            "",
            "x\n1,5\n2,25\n",
            "full name\nJohn Smith\nJane Doe\n",
        ] {
            let separator = recognise(text, None);
            let byte = char::from(separator.byte());
            assert!(!text.replace("\"a, b\"\n\"c, d\"", "").contains(byte), "{text:?}: {separator}");
            assert!(separator != Separator::Blanks, "{text:?}");
        }
    }

    #[test]
    fn blanks_separate_numbers() {
        let text = "  18.0   8   307.0\t\"chevrolet malibu\"\n  15.0  8   350.0\t\"buick 320\"  \n";
        assert_eq!(recognise(text, None), Separator::Blanks);
        assert_eq!(tabs_for_blanks(text), "18.0\t8\t307.0\t\"chevrolet malibu\"\n15.0\t8\t350.0\t\"buick 320\"\n");
        assert_eq!(tabs_for_blanks("a b\r\n\r\n1  2\r"), "a\tb\r\n\r\n1\t2\r");
        assert_eq!(tabs_for_blanks("\r  a b \r  1 2"), "\ra\tb\r1\t2");
    }
}
