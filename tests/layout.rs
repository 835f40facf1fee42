//! The rules of the house, held by reading the source tree, and each rule held to object to what breaks it.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "layout/circles.rs"]
mod circles;
#[path = "layout/rules.rs"]
mod rules;
#[path = "layout/text.rs"]
mod text;
#[path = "layout/words.rs"]
mod words;

use circles::circles;
use rules::{floors, mirror, reached, sizes, threads_elsewhere, unfinished, unsafe_elsewhere, wgpu_elsewhere};
use text::{File, code, functions, imports, strings, tree};
use wgrad::kernel::Part;
use wgrad::ops::OPS;
use words::{flags_named, short_docs};

fn sources() -> Vec<File> {
    tree("src", "rs")
}

fn all_rust() -> Vec<File> {
    ["src", "tests", "benches", "examples"].iter().flat_map(|folder| tree(folder, "rs")).collect()
}

fn parts() -> Vec<Part> {
    wgrad::ops::kernels().into_iter().flat_map(|kernel| kernel.parts.iter().copied()).collect()
}

fn paths(files: &[File]) -> Vec<&str> {
    files.iter().map(|(path, _)| path.as_str()).collect()
}

fn assert_held(wrong: &[String]) {
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_go_down() {
    assert!(sources().len() > 40);
    assert_held(&floors(&sources()));
}

/// Folders whose files still import one another in a circle, and why. The list only shrinks.
const CIRCLES: [(&str, &str); 1] =
    [("src/ops/matmul", "the families of products share their sizes and their fast paths")];

#[test]
fn no_files_import_one_another() {
    let found = circles(&sources());
    let excepted = |circle: &&String| CIRCLES.iter().any(|(folder, _)| circle.starts_with(&format!("{folder}: ")));
    let wrong: Vec<String> = found.iter().filter(|circle| !excepted(circle)).cloned().collect();
    assert_held(&wrong);
    for (folder, _) in CIRCLES {
        let there = found.iter().any(|circle| circle.starts_with(&format!("{folder}: ")));
        assert!(there, "{folder} has no circle any more: take it out of the list");
    }
}

#[test]
fn a_circle_is_seen() {
    let of = |files: &[(&str, &str)]| circles(&files.iter().map(|(path, text)| file(path, *text)).collect::<Vec<_>>());
    // Of two files, of three, through a re-export, of two rooms, and of a folder and a file.
    let plain =
        [("src/a/mod.rs", ""), ("src/a/b.rs", "use super::c::{D, e};"), ("src/a/c.rs", "fn f() { crate::a::b::g() }")];
    assert_eq!(of(&plain), ["src/a: b, c"]);
    let three = [
        ("src/a/b.rs", "use super::c::d;"),
        ("src/a/c.rs", "use crate::a::d;"),
        ("src/a/d.rs", "use super::{b::x as y, z};"),
        ("src/a/e.rs", "use super::d;"),
    ];
    assert_eq!(of(&three), ["src/a: b, c, d"]);
    let fronted = [
        ("src/a/mod.rs", "mod b;\nmod c;\npub use b::{B, Other};\npub(crate) use c::C;"),
        ("src/a/b.rs", "use super::C;"),
        ("src/a/c.rs", "use super::B;"),
    ];
    assert_eq!(of(&fronted), ["src/a: b, c"]);
    assert_eq!(of(&[("src/a/b.rs", "use crate::c::d;"), ("src/c.rs", "use crate::a::b;")]), ["src: a, c"]);
    let deep = [("src/a/b/mod.rs", "use crate::a::c;"), ("src/a/b/x.rs", ""), ("src/a/c.rs", "use super::b::x;")];
    assert_eq!(of(&deep), ["src/a: b, c"]);
    // What a front defines its files share; tests and comments are no imports.
    let right = [
        ("src/a/mod.rs", "mod b;\nuse b::B;\npub struct A;"),
        (
            "src/a/b.rs",
            "use super::A;\nfn f() -> impl Fn() + use<> {}\n// use super::c;\n#[cfg(test)]\nmod tests { use super::super::c; }",
        ),
        ("src/a/c.rs", "use super::b::B;\n#[cfg(test)]\nmod fixture;"),
        ("src/a/c/fixture.rs", "use crate::d;"),
        ("src/d.rs", "use crate::a::c;"),
    ];
    assert_held(&of(&right));
}

#[test]
fn words_stand_only_where_they_may() {
    assert_held(&wgpu_elsewhere(&all_rust()));
    assert_held(&unsafe_elsewhere(&all_rust()));
    assert_held(&threads_elsewhere(&sources()));
    assert_held(&unfinished(&[all_rust(), tree("shaders", "wgsl")].concat()));
}

#[test]
fn operations_and_shaders_mirror_each_other() {
    let (rust, wgsl) = (sources(), tree("shaders", "wgsl"));
    let names: Vec<&str> = OPS.iter().map(|op| op.name).collect();
    assert_held(&mirror(&paths(&rust), &paths(&wgsl), &names));
}

#[test]
fn every_shader_is_part_of_a_kernel() {
    assert_held(&reached(&tree("shaders", "wgsl"), &parts()));
}

#[test]
fn files_and_functions_are_short() {
    let files = [all_rust(), tree("shaders", "wgsl")].concat();
    let count: usize = all_rust().iter().map(|(_, text)| functions(&code(text)).len()).sum();
    assert!(count > 300, "only {count} functions were found");
    assert_held(&sizes(&files));
}

/// Files and folders that still have doc comments of a few words. The list only shrinks.
const SHORT_DOCS: [&str; 5] =
    ["src/nn/layers/", "src/nn/network.rs", "src/nn/notation.rs", "src/ops/block/", "src/ops/head/"];

#[test]
fn docs_say_something() {
    let found = short_docs(&sources());
    let excepted = |wrong: &&String| SHORT_DOCS.iter().any(|path| wrong.starts_with(path));
    let wrong: Vec<String> = found.iter().filter(|wrong| !excepted(wrong)).cloned().collect();
    assert_held(&wrong);
    for path in SHORT_DOCS {
        assert!(found.iter().any(|wrong| wrong.starts_with(path)), "{path} is mended: take it out of the list");
    }
}

#[test]
fn the_library_names_no_flags() {
    assert_held(&flags_named(&sources()));
}

fn file(path: &str, text: impl Into<String>) -> File {
    (path.to_owned(), text.into())
}

#[test]
fn a_wrong_import_is_seen() {
    let wrong = [
        ("src/shape.rs", "use crate::kernel::Scalar;"),
        ("src/kernel/io.rs", "fn f() { crate::op::spread(1); }"),
        ("src/ops/relu.rs", "use crate::{args, graph::{Graph, plan}, parts};"),
        ("src/graph/mod.rs", "use crate::cpu::Machine;"),
        ("src/cpu.rs", "use crate::gpu::Gpu;"),
        ("src/gpu/session.rs", "use crate::{executor::Executor, nn};"),
        ("src/data/idx.rs", "use crate::shape::Shape;"),
        ("src/data/idx.rs", "use crate::{parts};"),
        ("src/cpu.rs", "use super::judge;"),
        ("src/ops/relu.rs", "use super::super::graph::Graph;"),
        ("src/ops/add.rs", "use crate::nowhere::Thing;"),
        ("src/nowhere.rs", ""),
    ];
    for (path, text) in wrong {
        let all = floors(&[file(path, text)]);
        assert!(all.len() == 1 && all[0].starts_with(path), "{path}: {text}: {all:?}");
    }
    let right = [
        ("src/shape.rs", "use crate::random::key;"),
        ("src/ops/relu.rs", "use crate::{args, kernel::{Kernel, NOW}, ops::add, parts, threads};"),
        ("src/cli/mod.rs", "use crate::{cpu, gpu};\nuse super::text;"),
        (
            "src/data/idx.rs",
            "use crate::{data::fixture, names::nearest, random::Stream};\nuse super::error::DataError;",
        ),
        (
            "src/shape.rs",
            "// crate::gpu\n/* crate::gpu /* */ crate::gpu */ const S: &str = \"crate::gpu\"; pub(crate) fn f() {}",
        ),
        ("src/main.rs", "use wgrad::cli;"),
    ];
    for (path, text) in right {
        assert_held(&floors(&[file(path, text)]));
    }
}

/// For each rule: the file that may, texts that it objects to elsewhere, and texts that it does not.
#[test]
fn a_word_out_of_place_is_seen() {
    type Rule = fn(&[File]) -> Vec<String>;
    let rules: [(Rule, &str, &[&str], &[&str]); 4] = [
        (
            wgpu_elsewhere,
            "src/gpu/device.rs",
            &["use wgpu::Device;", "let a = r#\"\"\"#; wgpu::x()"],
            &["// wgpu", "my_wgpu()"],
        ),
        (
            unsafe_elsewhere,
            "src/gpu/pipelines.rs",
            &["unsafe { f() }"],
            &["#![deny(unsafe_code)]", "let s = \"unsafe\";"],
        ),
        (
            threads_elsewhere,
            "src/threads.rs",
            &["use rayon::prelude::*;", "std::thread::spawn(f)", "use std::{fmt, thread::{self}};"],
            &["use crate::threads;", "use std::{fmt, sync::thread};", "let c = '\"'; // rayon"],
        ),
        (
            unfinished,
            "",
            &[
                concat!("// TO", "DO: later"),
                concat!("unimpl", "emented!()"),
                concat!("to", "do!()"),
                concat!("FIX", "ME"),
            ],
            &["let todo = 1;"],
        ),
    ];
    for (rule, home, wrong, right) in rules {
        for text in wrong {
            assert_eq!(rule(&[file("src/cpu.rs", format!("\n{text}\n"))]).len(), 1, "{text}");
            assert!(rule(&[file("src/cpu.rs", format!("\n{text}\n"))])[0].starts_with("src/cpu.rs:2:"), "{text}");
            assert!(home.is_empty() || rule(&[file(home, *text)]).is_empty(), "{text} in {home}");
        }
        right.iter().for_each(|text| assert_held(&rule(&[file("src/cpu.rs", *text)])));
    }
}

#[test]
fn a_missing_file_is_seen() {
    let rust = ["src/ops/mod.rs", "src/ops/relu.rs", "src/ops/conv/mod.rs", "src/ops/conv/twins.rs"];
    let wgsl = ["shaders/relu/forward.wgsl", "shaders/conv/a.wgsl", "shaders/conv/b.wgsl", "shaders/shared/now.wgsl"];
    let listed = ["conv", "relu"];
    assert_held(&mirror(&rust, &wgsl, &listed));
    assert_eq!(mirror(&rust[..2], &wgsl, &listed), ["conv lacks a file in src/ops"]);
    assert_eq!(mirror(&rust, &wgsl[1..], &listed), ["relu lacks a folder in shaders"]);
    assert_eq!(mirror(&rust, &wgsl, &listed[..1]), ["relu lacks a line in OPS"]);
    assert_eq!(mirror(&rust[..2], &wgsl, &listed[1..]).len(), 2);

    let files = tree("shaders", "wgsl");
    let parts = parts();
    assert_eq!(reached(&[files.clone(), vec![file("shaders/relu/new.wgsl", "")]].concat(), &parts).len(), 1);
    let gone = reached(&files[1..], &parts);
    assert!(!gone.is_empty() && gone.iter().all(|what| what.contains(&files[0].0)), "{gone:?}");
    let mut other = files;
    other[0].1.push('x');
    assert!(reached(&other, &parts)[0].contains("another text"));
}

#[test]
fn what_is_too_long_is_seen() {
    let lines = |count: usize| "\n".repeat(count);
    let function = |count: usize| format!("{}fn long(a: [u8; 2]) {{{}}}", lines(9), lines(count - 1));
    assert_held(&sizes(&[file("src/a.rs", lines(400)), file("src/b.rs", function(60)), file("a.wgsl", lines(150))]));
    assert_eq!(sizes(&[file("src/a.rs", lines(401))]), ["src/a.rs: 401 lines of 400"]);
    assert_eq!(sizes(&[file("a.wgsl", lines(151))]), ["a.wgsl: 151 lines of 150"]);
    assert_eq!(sizes(&[file("src/b.rs", function(61))]), ["src/b.rs:10: long has 61 lines"]);
}

#[test]
fn an_empty_doc_is_seen() {
    let short = |text: &str| short_docs(&[file("src/a.rs", text)]);
    assert_eq!(short("\n/// Its name.\npub name: u8,"), ["src/a.rs:2: a doc comment of 2 words"]);
    // Neither signs nor further paragraphs make words.
    assert_eq!(
        short("    /// a · b\n    ///\n    /// # Errors\n    /// The device failed."),
        ["src/a.rs:1: a doc comment of 2 words"]
    );
    assert_eq!(short("/// Rows.\nrows: u8,\n/// Columns.").len(), 2);
    assert_held(&short("/// Rows of the\n/// batch.\npub rows: u8, // rows"));
    assert_held(&short_docs(&[file("src/cli/args.rs", "/// A model file")]));
}

#[test]
fn a_flag_in_the_library_is_seen() {
    let named = |text: &str| flags_named(&[file("src/a.rs", text)]);
    assert_eq!(named("f();\ng(\"é: use --lr\");"), ["src/a.rs:2: names a flag: \"é: use --lr\""]);
    assert_eq!(named("r#\"a \"--b\"\"#").len(), 1);
    assert_held(&named("// --lr\n/// --lr\nx(\"-- -1 a--\"); let a = --b;"));
    assert_held(&flags_named(&[file("src/cli/say.rs", "\"--lr\"")]));
}

#[test]
fn the_reading_of_rust_is_right() {
    let text = "trait T { fn a(x: [u8; 2]); fn b<'a>(x: &'a str) -> fn(u8) { '{'; \"}\\\"{\"; // {\n } }\nfn c() {\n}";
    assert_eq!(functions(&code(text)), [("b".into(), 1, 2), ("c".into(), 3, 2)]);
    assert_eq!(code(text).lines().count(), text.lines().count());
    let found: Vec<String> = strings(r###"'"'; "a\"b" r#"c"d"# b"e" // "f""###).into_iter().map(|(_, s)| s).collect();
    assert_eq!(found, [r#""a\"b""#, r##"r#"c"d"#"##, r#""e""#]);
    let names = imports("use crate::{a::{b, c}, d, e::*};\nuse crate :: f;\nx(crate::g::h)", "crate");
    let found: Vec<_> = names.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(found, [(1, "a"), (1, "d"), (1, "e"), (2, "f"), (3, "g")]);
}
