//! Which files import which, and the circles among them.
//!
//! A folder's `mod.rs` is its front: what it re-exports counts as an import of the file that has it, and what it defines its
//! files may share. So the nodes of a folder are its other files and its folders. Code for tests does not count.

use crate::text::{File, code, is_word, places};
use std::collections::{BTreeMap, BTreeSet};

/// A path in pieces, as in `crate`, `data`, `Dataset`.
type Pieces = Vec<String>;

/// A module: its place below the root of the crate, and its code without tests.
struct Module {
    place: Pieces,
    code: String,
}

/// The circles, each as in `src/data: opened, table`.
pub fn circles(files: &[File]) -> Vec<String> {
    let modules = modules(files);
    let places: BTreeSet<&Pieces> = modules.iter().map(|module| &module.place).collect();
    let mut fronts: BTreeMap<Pieces, Pieces> = BTreeMap::new();
    let mut imports: Vec<(&Pieces, Pieces)> = vec![];
    for module in &modules {
        for (path, public) in paths(&module.code, &children(&module.place, &places)) {
            let Some(path) = absolute(&module.place, path, &places) else { continue };
            if let (true, Some(name)) = (public, path.last()) {
                fronts.insert([module.place.clone(), vec![name.clone()]].concat(), path.clone());
            }
            imports.push((&module.place, path));
        }
    }
    let mut edges: BTreeMap<Pieces, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    for (from, path) in imports {
        let to = home(path, &places, &fronts);
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(here), Some(there)) = (from.get(common), to.get(common)) {
            edges.entry(to[..common].to_vec()).or_default().entry(here).or_default().insert(there.clone());
        }
    }
    let named = |(folder, edges): (&Pieces, &BTreeMap<&str, BTreeSet<String>>)| {
        let folder = std::iter::once("src").chain(folder.iter().map(String::as_str)).collect::<Vec<_>>().join("/");
        let name = |circle: Vec<&str>| format!("{folder}: {}", circle.join(", "));
        of_edges(edges).into_iter().map(name).collect::<Vec<_>>()
    };
    edges.iter().flat_map(named).collect()
}

/// The sets of nodes that reach one another.
fn of_edges<'a>(edges: &'a BTreeMap<&'a str, BTreeSet<String>>) -> Vec<Vec<&'a str>> {
    let reached = |from: &str| {
        let (mut seen, mut left): (BTreeSet<&str>, Vec<&str>) = (BTreeSet::new(), vec![]);
        left.extend(edges.get(from).into_iter().flatten().map(String::as_str));
        while let Some(node) = left.pop() {
            if seen.insert(node) {
                left.extend(edges.get(node).into_iter().flatten().map(String::as_str));
            }
        }
        seen
    };
    let all: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|node| (*node, reached(node))).collect();
    let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
    for (node, seen) in &all {
        let back = |other: &&&str| all.get(**other).is_some_and(|seen| seen.contains(node));
        let circle: Vec<&str> = seen.iter().filter(back).copied().collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// All modules of the library that are not for tests.
fn modules(files: &[File]) -> Vec<Module> {
    let (mut modules, mut for_tests) = (vec![], vec![]);
    for (path, text) in files {
        let place = path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")).unwrap_or(path);
        let place = place.strip_suffix("/mod").unwrap_or(place);
        let place: Pieces = match place {
            "lib" => vec![],
            "main" => continue,
            place => place.split('/').map(str::to_owned).collect(),
        };
        let mut code = code(text);
        while let Some((at, name, inline)) = test_module(&code) {
            for_tests.push([place.clone(), vec![name]].concat());
            // Such modules stand at the end of a file.
            let end = if inline { code.len() } else { at + "#[cfg(test)]".len() };
            code.replace_range(at..end, "");
        }
        if !place.last().is_some_and(|name| name.ends_with("tests")) {
            modules.push(Module { place, code });
        }
    }
    modules.retain(|module| !for_tests.iter().any(|place| module.place.starts_with(place)));
    modules
}

/// The first module for tests of a file: where it is declared, its name, and whether it stands there.
fn test_module(code: &str) -> Option<(usize, String, bool)> {
    code.match_indices("#[cfg(test)]").find_map(|(at, mark)| {
        let mut rest = code[at + mark.len()..].trim_start();
        while rest.starts_with("#[") {
            rest = rest[rest.find(']')? + 1..].trim_start();
        }
        let name: String = rest.strip_prefix("mod ")?.chars().take_while(|c| is_word(*c)).collect();
        Some((at, name.clone(), rest["mod ".len() + name.len()..].trim_start().starts_with('{')))
    })
}

fn children(place: &Pieces, places: &BTreeSet<&Pieces>) -> BTreeSet<String> {
    let child = |other: &&&Pieces| other.len() == place.len() + 1 && other.starts_with(place);
    places.iter().filter(child).filter_map(|other| other.last().cloned()).collect()
}

/// All paths of a module that begin with `crate`, `super`, `self` or a module in it, and whether each is re-exported.
fn paths(code: &str, children: &BTreeSet<String>) -> Vec<(Pieces, bool)> {
    let (mut found, mut rest) = (vec![], code.to_owned());
    for at in places(code, "use") {
        let after = &code[at + "use".len()..];
        // `use<'a>` says what a type captures.
        let Some(end) = after.find(';').filter(|_| !after.trim_start().starts_with('<')) else { continue };
        let before = code[..at].trim_end();
        let public = before.ends_with("pub")
            || before.ends_with(')') && before.rfind("pub(") == before.rfind('(').map(|i| i - 3);
        found.extend(tree(&after[..end]).into_iter().map(|path| (path, public)));
        rest.replace_range(at..at + "use".len() + end, &" ".repeat("use".len() + end));
    }
    let starts: Vec<&str> = ["crate", "super", "self"].into_iter().chain(children.iter().map(String::as_str)).collect();
    for start in starts {
        for at in places(&rest, start).filter(|at| !rest[..*at].trim_end().ends_with("::")) {
            let path = chain(&rest[at..]);
            found.extend((path.len() > 1).then_some((path, false)));
        }
    }
    found
}

/// The names at the head of a text, joined by `::`.
fn chain(text: &str) -> Pieces {
    let mut pieces = vec![];
    let mut rest = text;
    loop {
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if name.is_empty() {
            return pieces;
        }
        rest = rest[name.len()..].trim_start();
        pieces.push(name);
        let Some(next) = rest.strip_prefix("::") else { return pieces };
        rest = next.trim_start();
    }
}

/// The paths of `a::{b::c, d as e}`.
fn tree(text: &str) -> Vec<Pieces> {
    let text = text.trim();
    let Some((before, group)) = text.split_once('{') else {
        return vec![chain(text)];
    };
    let head = chain(before.trim());
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start, mut paths) = (0, 0, vec![]);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            let inner = tree(&group[start..at]).into_iter().filter(|path| !path.is_empty());
            paths.extend(inner.map(|path| [head.clone(), path].concat()));
            start = at + 1;
        }
    }
    paths
}

/// A path from the root of the crate, if it is one of the crate's.
fn absolute(place: &Pieces, path: Pieces, places: &BTreeSet<&Pieces>) -> Option<Pieces> {
    let ups = path.iter().take_while(|piece| *piece == "super" || *piece == "self").count();
    let supers = path[..ups].iter().filter(|piece| *piece == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" | "self" => Some([&place[..place.len().checked_sub(supers)?], &path[ups..]].concat()),
        first => children(place, places).contains(first).then(|| [place.clone(), path.clone()].concat()),
    }
}

/// The module that has what a path names, behind all re-exports.
fn home(mut path: Pieces, places: &BTreeSet<&Pieces>, fronts: &BTreeMap<Pieces, Pieces>) -> Pieces {
    // More re-exports than that would be a circle of their own.
    for _ in 0..8 {
        let known = |length: &usize| places.contains(&path[..*length].to_vec());
        let module = (0..=path.len()).rev().find(known).unwrap_or(0);
        match path.get(..=module).and_then(|name| fronts.get(name)) {
            Some(to) if *to != path => path = [to, &path[module + 1..]].concat(),
            _ => return path[..module].to_vec(),
        }
    }
    path
}
