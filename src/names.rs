//! Names the user may have meant, for the messages of errors.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Names that are shown of a longer list.
const SHOWN: usize = 5;
/// Like names that are offered.
const OFFERED: usize = 3;

/// A text out of a file as it may stand on a terminal: control characters, and those that turn the direction of writing
/// or take no room, are written as in Rust (`\u{1b}`, `\n`).
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same of a text that we have laid out ourselves, whose line breaks and tabs stay.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(|c| hidden(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let each =
        text.chars().map(|c| if hidden(c) && !stays(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(each.collect())
}

/// "did you mean …?" where a known name is near, and all known names.
pub fn nearest(name: &str, known: &[&str]) -> String {
    let all = known.join(", ");
    match like(name, known.iter().copied()).first() {
        Some(best) => format!("did you mean {best}? (known: {all})"),
        None => format!("known: {all}"),
    }
}

/// The known name that a name is a slip of, if it is near one.
pub fn slip_of<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    like(name, known.iter().copied()).first().copied()
}

/// A clause with the names most like `name`, or, when none is like it, with the first few there are: for names that the
/// user gave, of which there may be many. `kind` is the singular noun of what is named.
pub fn nearest_of(kind: &str, name: &str, names: &[String]) -> String {
    let mut near = like(name, names.iter().map(String::as_str));
    near.truncate(OFFERED);
    if near.is_empty() {
        return format!("the {kind} names are {}", listed(names));
    }
    match near.as_slice() {
        [only] => format!("the nearest {kind} name is {}", quoted(only)),
        _ => format!("the nearest {kind} names are {}", listed(&near)),
    }
}

/// Characters of a name from which on none is like it: comparing takes the square of them.
const COMPARED: usize = 200;

/// Characters of a text that a message shows.
const LONGEST: usize = 80;

/// A text cut to a length that a message can show.
pub fn short(text: &str) -> String {
    cut(text, LONGEST)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Characters that a message has at most, of those between quotation marks [`LONGEST`] each.
const MESSAGE: usize = 1200;

/// A message of bounded length: of long texts in quotation marks the beginnings, and of one that is still too long its
/// beginning and its end, where it says what to do.
pub fn bounded(message: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::with_capacity(message.len().min(MESSAGE)), None, false);
    for letter in message.chars() {
        let opens = letter == '"' && !escaped;
        quoted = match quoted {
            None => opens.then_some(0),
            Some(_) if opens => None,
            Some(count) => Some(count + 1),
        };
        escaped = letter == '\\' && !escaped;
        match quoted {
            Some(count) if count == LONGEST + 1 => out.push('…'),
            Some(count) if count > LONGEST => {}
            _ => out.push(letter),
        }
    }
    let count = out.chars().count();
    if count <= MESSAGE {
        return out;
    }
    let (head, tail) = (out.chars().take(MESSAGE / 2), out.chars().skip(count - MESSAGE / 2));
    head.chain(" … ".chars()).chain(tail).collect()
}

/// The names in quotation marks, or the first few of them and how many more there are.
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| quoted(name.as_ref())).collect();
    and_more(&shown, names.len())
}

/// A text out of a file as messages show it: in quotation marks, its control characters escaped, and only its beginning
/// if it is long.
pub fn quoted(text: &str) -> String {
    format!("{:?}", short(text))
}

/// The texts with commas between, or the first few of them and how many more there are; of a very long one its beginning.
pub fn few(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().take(SHOWN).map(|text| cut(text, 2 * LONGEST)).collect();
    and_more(&shown, texts.len())
}

fn and_more(shown: &[String], all: usize) -> String {
    let shown_ones = shown.join(", ");
    match all - shown.len() {
        0 => shown_ones,
        more => format!("{shown_ones} and {more} more"),
    }
}

/// The names that `name` may be a slip for, the most alike first, whatever their case.
///
/// Up to one letter, and one more for every three of the name, may be wrong, missing, added or swapped with the next;
/// something must be left of it. Names of equally many slips go by how much of their beginnings they share.
fn like<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let letters = name.chars().count();
    if letters > COMPARED {
        return vec![];
    }
    let name = name.to_lowercase();
    let may_be = |other: &&str| other.chars().count().abs_diff(letters) <= 1 + letters / 3;
    let scored = known.filter(may_be).filter_map(|other| {
        let lower = other.to_lowercase();
        let slips = strsim::damerau_levenshtein(&name, &lower);
        let near = slips <= 1 + letters / 3 && slips < letters.max(lower.chars().count());
        near.then(|| (slips, strsim::jaro_winkler(&name, &lower), other))
    });
    let mut scored: Vec<(usize, f64, &str)> = scored.collect();
    scored.sort_by(|a, b| match a.0.cmp(&b.0) {
        Ordering::Equal => b.1.total_cmp(&a.1),
        order => order,
    });
    scored.into_iter().map(|(.., other)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("\u{1b}[31mred\u{7}\n\u{9b}é"), "\\u{1b}[31mred\\u{7}\\n\\u{9b}é");
        assert_eq!(shown("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(shown_lines("a\tb\n\r\u{1b}"), "a\tb\n\\r\\u{1b}");
        assert!(matches!(shown("größer, 数"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(nearest("liner", &["linear", "relu"]), "did you mean linear? (known: linear, relu)");
        assert_eq!(nearest("convolution", &["linear", "relu"]), "known: linear, relu");
        assert!(nearest("sdg", &["adam", "sgd"]).contains("mean sgd?"));
        assert!(nearest("Standardise", &["none", "standardize"]).contains("mean standardize?"));
    }

    #[test]
    fn the_most_alike_name_comes_first() {
        let clause = nearest_of("column", "Lable", &names(&["width", "table", "label"]));
        assert_eq!(clause, "the nearest column names are \"label\", \"table\"");
    }

    #[test]
    fn without_a_like_name_a_few_are_shown() {
        let clause = nearest_of("column", "z", &names(&["a", "b", "c", "d", "e", "f", "g"]));
        assert_eq!(clause, "the column names are \"a\", \"b\", \"c\", \"d\", \"e\" and 2 more");
    }

    #[test]
    fn texts_of_files_are_escaped_and_shortened() {
        assert_eq!(quoted("a\n\u{1b}[31m\"b"), "\"a\\n\\u{1b}[31m\\\"b\"");
        assert_eq!(quoted(&"é".repeat(81)), format!("\"{}…\"", "é".repeat(80)));
        assert_eq!(short(&"x".repeat(80)), "x".repeat(80));
        assert!(listed(&["x".repeat(1000), "y".repeat(1000)]).len() < 200);
    }

    #[test]
    fn messages_are_bounded() {
        for message in ["", "the column \"a\" is \"\", so \"say \\\"x\\\" again\"", "one \" alone"] {
            assert_eq!(bounded(message), message);
        }
        let long = "é".repeat(1000);
        let cut = format!("\"{}…\"", "é".repeat(LONGEST));
        assert_eq!(
            bounded(&format!("the column {long:?} and {long:?} are two")),
            format!("the column {cut} and {cut} are two")
        );
        let bounded = bounded(&format!("a{}b", " c".repeat(5000)));
        assert!(bounded.chars().count() < MESSAGE + 10 && bounded.starts_with("a c") && bounded.ends_with(" cb"));
    }

    #[test]
    fn long_texts_are_shown_in_part() {
        let long = "é".repeat(1000);
        assert_eq!(quoted("a\u{1b}[2J\n"), "\"a\\u{1b}[2J\\n\"");
        assert_eq!(short(&long), format!("{}…", "é".repeat(LONGEST)));
        assert_eq!(short(&long[..2 * LONGEST]), long[..2 * LONGEST]);
        let all: Vec<String> = vec![long.clone(); 1000];
        assert!(listed(&all).chars().count() < 600);
        assert!(few(&all).chars().count() < 1000);
        assert!(nearest_of("column", &long, &all).chars().count() < 600);
        assert_eq!(nearest_of("column", "label", &["lable".into(), long]), "the nearest column name is \"lable\"");
    }

    #[test]
    fn few_names_are_listed_in_full() {
        assert_eq!(listed(&["a", "b"]), "\"a\", \"b\"");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"]), "\"a\", \"b\", \"c\", \"d\", \"e\" and 1 more");
    }
}
