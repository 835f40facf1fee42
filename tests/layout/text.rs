//! The texts of the source tree, and a reading of Rust that is good enough for the rules.

use std::path::{Path, PathBuf};

/// A file's path from the root of the crate, with `/`, and its text.
pub type File = (String, String);

/// The files below a folder that end so.
pub fn tree(folder: &str, extension: &str) -> Vec<File> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![];
    walk(&root.join(folder), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|e| e == extension));
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap().replace("\r\n", "\n"))).collect()
}

/// Rust with every comment, string and character blanked out, line for line.
pub fn code(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (start, end) in blanks(&chars) {
        chars[start..end].iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
    }
    chars.into_iter().collect()
}

/// The string literals of a text, each with the byte at which it begins.
pub fn strings(text: &str) -> Vec<(usize, String)> {
    let chars: Vec<char> = text.chars().collect();
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let literals = blanks(&chars).into_iter().filter(|&(start, _)| matches!(chars[start], '"' | 'r'));
    literals.map(|(start, end)| (bytes[start], chars[start..end].iter().collect())).collect()
}

/// Where each comment, string and character begins and ends.
fn blanks(chars: &[char]) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (vec![], 0);
    while at < chars.len() {
        let length = blank(&chars[at..], at.checked_sub(1).map(|before| chars[before]));
        found.extend((length > 0).then_some((at, at + length)));
        at += length.max(1);
    }
    found
}

/// Length of the comment, string or character with which a text begins.
fn blank(text: &[char], before: Option<char>) -> usize {
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    let until = |from: usize, what: &str| (from..text.len()).find(|&at| starts(at, what));
    if starts(0, "//") {
        return until(2, "\n").unwrap_or(text.len());
    }
    if starts(0, "/*") {
        let (mut depth, mut at) = (1, 2);
        while depth > 0 && at < text.len() {
            let step = i32::from(starts(at, "/*")) - i32::from(starts(at, "*/"));
            depth += step;
            at += if step == 0 { 1 } else { 2 };
        }
        return at.min(text.len());
    }
    let hashes = text[1..].iter().take_while(|c| **c == '#').count();
    if text[0] == 'r' && text.get(1 + hashes) == Some(&'"') && !before.is_some_and(|c| c != 'b' && is_word(c)) {
        let end = format!("\"{}", "#".repeat(hashes));
        return until(2 + hashes, &end).map_or(text.len(), |at| at + end.len());
    }
    let quoted = |quote: char| {
        let mut at = 1;
        while at < text.len() && text[at] != quote {
            at += if text[at] == '\\' { 2 } else { 1 };
        }
        (at + 1).min(text.len())
    };
    match text[0] {
        '"' => quoted('"'),
        // Else a lifetime.
        '\'' if text.get(1) == Some(&'\\') || text.get(2) == Some(&'\'') => quoted('\''),
        _ => 0,
    }
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a word stands by itself.
pub fn places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        !before.chars().next_back().is_some_and(is_word) && !after.chars().next().is_some_and(is_word)
    })
}

/// The number of a line, from 1.
pub fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// The first names after each `ROOT::`, with their lines; of `ROOT::{a::b, c}` they are a and c.
pub fn imports(code: &str, root: &str) -> Vec<(usize, String)> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| is_word(*c)).collect::<String>();
    let mut names = vec![];
    for at in places(code, root) {
        let Some(rest) = code[at + root.len()..].trim_start().strip_prefix("::") else { continue };
        let rest = rest.trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            names.push((line(code, at), word(rest)));
            continue;
        };
        let mut depth = 1;
        let mut starts = vec![0];
        for (i, c) in group.char_indices() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 0 {
                break;
            }
            starts.extend((c == ',' && depth == 1).then_some(i + 1));
        }
        names.extend(starts.into_iter().map(|start| (line(code, at), word(&group[start..]))));
    }
    names.retain(|(_, name)| !name.is_empty());
    names
}

/// Name, line and number of lines of every function.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = vec![];
    for at in places(code, "fn") {
        let name: String = code[at + 2..].trim_start().chars().take_while(|c| is_word(*c)).collect();
        if name.is_empty() {
            continue;
        }
        let (mut braces, mut others) = (0, 0);
        for (i, c) in code[at..].char_indices() {
            braces += i32::from(c == '{') - i32::from(c == '}');
            others += i32::from(c == '(' || c == '[') - i32::from(c == ')' || c == ']');
            if c == '}' && braces == 0 {
                found.push((name, line(code, at), line(&code[at..], i)));
                break;
            }
            // A declaration without a body.
            if c == ';' && braces == 0 && others == 0 {
                break;
            }
        }
    }
    found
}
