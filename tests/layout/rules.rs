//! The rules: each takes texts and says what breaks it.

use crate::text::{File, code, functions, imports, line, places};
use std::collections::BTreeSet;
use wgrad::kernel::{GENERATED, Part};

/// Modules and their floors: imports go to the same floor or down.
const FLOORS: &[(&str, usize)] = &[
    ("shape", 0),
    ("names", 0),
    ("files", 0),
    ("memory", 0),
    ("random", 0),
    ("aligned", 0),
    ("threads", 0),
    ("simd", 0),
    ("gemm", 1),
    ("kernel", 1),
    ("data", 1),
    ("op", 2),
    ("ops", 3),
    ("graph", 4),
    ("executor", 4),
    ("nn", 5),
    ("cpu", 5),
    ("gpu", 5),
    ("export", 6),
    ("metrics", 6),
    ("error", 6),
    ("device", 6),
    ("judge", 7),
    ("run", 7),
    ("train", 8),
    ("bench", 8),
    ("cli", 9),
    // The roots of the binary and of the library see all.
    ("main", 9),
    ("lib", 9),
];

/// Modules of one floor that do not know one another.
const STRANGERS: [&str; 3] = ["nn", "cpu", "gpu"];

const RUST_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const WGSL_LINES: usize = 150;

/// The module at the root of the crate to which a file belongs, and how many `super` lead from the file to the root.
fn module(path: &str) -> (&str, usize) {
    let inner = path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    (inner.split('/').next().unwrap(), inner.split('/').count())
}

/// Imports go down only.
pub fn floors(files: &[File]) -> Vec<String> {
    let mut wrong = vec![];
    let floor = |name: &str| FLOORS.iter().find(|(module, _)| *module == name).map(|(_, floor)| *floor);
    for (path, text) in files {
        let ((from, depth), code) = (module(path), code(text));
        let Some(here) = floor(from) else {
            wrong.push(format!("{path}: {from} has no floor"));
            continue;
        };
        let mut names: Vec<(usize, String)> = imports(&code, "crate");
        // A chain of `super` may lead to the root too.
        let ups = imports(&code, &vec!["super"; depth].join("::"));
        let own = |name: &str| {
            files.iter().any(|(p, _)| [".rs", "/"].iter().any(|end| p.starts_with(&format!("src/{from}/{name}{end}"))))
        };
        names.extend(ups.into_iter().filter(|(_, name)| floor(name).is_some() && !own(name)));
        if from == "main" {
            names.extend(imports(&code, "wgrad"));
        }
        for (line, name) in names {
            let to = if ["args", "part", "parts"].contains(&name.as_str()) { "kernel" } else { name.as_str() };
            let stranger = from != to && STRANGERS.contains(&from) && STRANGERS.contains(&to);
            let alone = from == "data" && !["data", "files", "memory", "names", "random", "threads"].contains(&to);
            match floor(to) {
                None => wrong.push(format!("{path}:{line}: {to} has no floor")),
                Some(there) if there > here || stranger || alone => {
                    wrong.push(format!("{path}:{line}: {from} imports {to}"));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}

/// Objects where a word stands in the code of a file that is not one of those allowed.
fn only_in(files: &[File], word: &str, allowed: fn(&str) -> bool) -> Vec<String> {
    let mut wrong = vec![];
    for (path, text) in files.iter().filter(|(path, _)| !allowed(path)) {
        let code = code(text);
        wrong.extend(places(&code, word).map(|at| format!("{path}:{}: names {word}", line(&code, at))));
    }
    wrong
}

/// wgpu is known in one place.
pub fn wgpu_elsewhere(files: &[File]) -> Vec<String> {
    only_in(files, "wgpu", |path| path.starts_with("src/gpu/"))
}

/// So is unchecked code.
pub fn unsafe_elsewhere(files: &[File]) -> Vec<String> {
    const HOMES: [&str; 3] = ["src/gpu/pipelines.rs", "src/gpu/device.rs", "tests/support/mod.rs"];
    only_in(files, "unsafe", |path| HOMES.contains(&path))
}

/// And so are threads.
pub fn threads_elsewhere(files: &[File]) -> Vec<String> {
    let allowed = |path: &str| path == "src/threads.rs";
    let mut wrong = only_in(files, "rayon", allowed);
    for (path, text) in files.iter().filter(|(path, _)| !allowed(path)) {
        let threads = imports(&code(text), "std").into_iter().filter(|(_, name)| name == "thread");
        wrong.extend(threads.map(|(line, _)| format!("{path}:{line}: names std::thread")));
    }
    wrong
}

/// Nothing is left to be done later.
pub fn unfinished(files: &[File]) -> Vec<String> {
    // In pieces, so that this list is not one.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!"), concat!("unimpl", "emented!")];
    let hits = |(path, text): &File| -> Vec<String> {
        let hit = |mark: &&str| text.find(mark).map(|at| format!("{path}:{}: {mark}", line(text, at)));
        marks.iter().filter_map(hit).collect()
    };
    files.iter().flat_map(hits).collect()
}

/// Operations, folders of shaders and the list must name the same.
pub fn mirror(rust: &[&str], wgsl: &[&str], listed: &[&str]) -> Vec<String> {
    let first = |path: &str| path.split('/').next().unwrap().to_owned();
    let files = rust.iter().filter_map(|path| path.strip_prefix("src/ops/")).filter(|path| *path != "mod.rs");
    let declared: BTreeSet<String> = files
        .filter_map(|path| {
            path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs").filter(|p| !p.contains('/')))
        })
        .map(first)
        .collect();
    let folders = wgsl.iter().filter_map(|path| path.strip_prefix("shaders/")).map(first);
    let folders: BTreeSet<String> = folders.filter(|folder| folder != "shared").collect();
    let listed: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
    let all: BTreeSet<&String> = declared.iter().chain(&folders).chain(&listed).collect();
    let places = [("a file in src/ops", &declared), ("a folder in shaders", &folders), ("a line in OPS", &listed)];
    let lacks =
        |name: &&String| places.map(|(what, set)| (!set.contains(*name)).then(|| format!("{name} lacks {what}")));
    all.iter().flat_map(lacks).flatten().collect()
}

/// Every text is part of a kernel, and every part is a text as it lies there.
pub fn reached(files: &[File], parts: &[Part]) -> Vec<String> {
    let mut wrong = vec![];
    for (path, _) in files {
        if !parts.iter().any(|part| format!("shaders/{}", part.file) == *path) {
            wrong.push(format!("{path}: no kernel has it"));
        }
    }
    for part in parts.iter().filter(|part| part.file != GENERATED) {
        let path = format!("shaders/{}", part.file);
        match files.iter().find(|(file, _)| *file == path) {
            None => wrong.push(format!("{path}: there is no such file")),
            Some((_, text)) if *text != part.text.replace("\r\n", "\n") => {
                wrong.push(format!("{path}: a kernel has another text"));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// Files and functions stay short.
pub fn sizes(files: &[File]) -> Vec<String> {
    let mut wrong = vec![];
    for (path, text) in files {
        let most = if path.ends_with(".wgsl") { WGSL_LINES } else { RUST_LINES };
        let lines = text.lines().count();
        if lines > most {
            wrong.push(format!("{path}: {lines} lines of {most}"));
        }
        if path.ends_with(".rs") {
            let long = functions(&code(text)).into_iter().filter(|(.., lines)| *lines > FUNCTION_LINES);
            wrong.extend(long.map(|(name, at, lines)| format!("{path}:{at}: {name} has {lines} lines")));
        }
    }
    wrong
}
