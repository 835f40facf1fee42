//! Rules of words: doc comments that say something, and a library that knows no flags of the command line.

use crate::text::{File, line, strings};

/// Words that a doc comment has at least.
const DOC_WORDS: usize = 4;

/// Files whose texts are shown by the command line: their doc comments are help texts, and they define the flags.
fn is_of_the_command_line(path: &str) -> bool {
    path.starts_with("src/cli/") || path.starts_with("src/train/settings/table")
}

/// Doc comments say more than a name does: unit, shape, convention. The first paragraph counts.
pub fn short_docs(files: &[File]) -> Vec<String> {
    let mut wrong = vec![];
    for (path, text) in files.iter().filter(|(path, _)| !is_of_the_command_line(path)) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let doc = |at: usize| lines.get(at).and_then(|line| line.strip_prefix("///"));
        let starts = (0..lines.len()).filter(|&at| doc(at).is_some() && (at == 0 || doc(at - 1).is_none()));
        for start in starts {
            let paragraph = (start..).map_while(doc).take_while(|line| !line.trim().is_empty());
            let words = paragraph.flat_map(str::split_whitespace).filter(|word| word.contains(char::is_alphanumeric));
            let count = words.count();
            if count < DOC_WORDS {
                wrong.push(format!("{path}:{}: a doc comment of {count} words", start + 1));
            }
        }
    }
    wrong
}

/// Texts of the library name settings. The command line makes flags of them.
pub fn flags_named(files: &[File]) -> Vec<String> {
    let is_flag = |text: &str| {
        let after = text.match_indices("--").map(|(at, dashes)| &text[at + dashes.len()..]);
        after.filter_map(|rest| rest.chars().next()).any(|c| c.is_ascii_lowercase())
    };
    let mut wrong = vec![];
    for (path, text) in files.iter().filter(|(path, _)| !is_of_the_command_line(path)) {
        let named = strings(text).into_iter().filter(|(_, string)| is_flag(string));
        wrong.extend(named.map(|(at, string)| format!("{path}:{}: names a flag: {string}", line(text, at))));
    }
    wrong
}
