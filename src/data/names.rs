//! Names the user may have meant, for the messages of errors.

use super::KNOWN;

const SIMILAR: f64 = 0.75;
const SHOWN: usize = 5;

/// The names of the known data sets as a phrase.
pub(super) fn known_names() -> String {
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    names.join(" and ")
}

/// A clause with the names most like `name`, or, when none is like it, with the first few there are.
///
/// `kind` is the singular noun of what is named.
pub(super) fn nearest(kind: &str, name: &str, names: &[String]) -> String {
    let mut similar: Vec<(f64, &String)> =
        names.iter().map(|other| (likeness(name, other), other)).filter(|(score, _)| *score >= SIMILAR).collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0));
    if !similar.is_empty() {
        let similar: Vec<String> = similar.iter().take(3).map(|(_, other)| format!("{other:?}")).collect();
        return format!("the nearest {kind} names are {}", similar.join(", "));
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|other| format!("{other:?}")).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the {kind} names are {}{more}", shown.join(", "))
}

/// How alike two names are, 0 to 1, whatever their case.
fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_most_alike_name_comes_first() {
        let clause = nearest("column", "Lable", &names(&["width", "label", "table"]));
        assert_eq!(clause, "the nearest column names are \"label\", \"table\"");
    }

    #[test]
    fn without_a_like_name_a_few_are_shown() {
        let clause = nearest("column", "zzz", &names(&["a", "b", "c", "d", "e", "f", "g"]));
        assert_eq!(clause, "the column names are \"a\", \"b\", \"c\", \"d\", \"e\" and 2 more");
    }
}
