//! Whether the judge notices faults in the shaders: kernels with one token changed, each run against its twin.
//!
//! `WGRAD_MUTANTS=300 WGRAD_MUTANTS_SEED=7 cargo test --test mutants -- --nocapture` runs 300 mutants that the seed 7 draws,
//! and prints those that no case sees; `WGRAD_MUTANTS_OF=dropout` draws from kernels with that in their names. What is
//! equivalent to its kernel stands in `mutants/equivalent.toml` with the reason.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "mutants/changes.rs"]
mod changes;
#[path = "mutants/child.rs"]
mod child;
#[path = "mutants/draw.rs"]
mod draw;
#[path = "mutants/listed.rs"]
mod listed;
#[path = "mutants/parent.rs"]
mod parent;
#[path = "ops/reversed.rs"]
mod reversed;
mod support;
#[path = "mutants/text.rs"]
mod text;
#[path = "kernels/uniform.rs"]
mod uniform;

use draw::Mutant;
use parent::Outcome;
use wgrad::kernel::Kernel;

/// Mutants that every run of the tests tries, and the seed that draws them.
const SHARE: (usize, u64) = (24, 1);

/// Of a hundred mutants that compute something else, so many are to be seen.
const LEAST: usize = 95;

/// The same of the few that every run draws.
const LEAST_OF_FEW: usize = 80;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number")))
}

fn show(mutant: &Mutant, what: &str) {
    println!("{} {} ({})\n    {}\n    {}", mutant.kernel, what, mutant.kind, mutant.lines[0], mutant.lines[1]);
}

#[test]
fn the_judge_sees_what_is_wrong_with_a_kernel() {
    let Some(gpu) = support::checked_gpu() else { return };
    let mut kernels: Vec<&'static Kernel> = child::reached(&gpu).into_iter().map(|(kernel, _)| kernel).collect();
    drop(gpu);
    let list = listed::read();
    let faults: Vec<_> = list.iter().filter_map(|entry| entry.fault(&kernels)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let of = std::env::var("WGRAD_MUTANTS_OF").unwrap_or_default();
    kernels.retain(|kernel| kernel.name.contains(&of));

    let asked = number("WGRAD_MUTANTS");
    let count = asked.map_or(SHARE.0, |count| count as usize);
    let seed = number("WGRAD_MUTANTS_SEED").unwrap_or(SHARE.1);
    let mutants = draw::draw(&kernels, seed, count);
    let (mut caught, mut equivalent, mut survivors) = (0, 0, 0);
    for (mutant, outcome) in parent::run(mutants) {
        let listed = list.iter().any(|entry| entry.has(&mutant));
        match outcome {
            Outcome::Wrong(what) if listed => {
                show(&mutant, &format!("is listed as equivalent, but {what}"));
                caught += 1;
            }
            Outcome::Wrong(_) => caught += 1,
            Outcome::Stopped(what) => {
                show(&mutant, &format!("did not end: {what}"));
                caught += 1;
            }
            Outcome::Survived(_) if listed => equivalent += 1,
            Outcome::Survived(checks) => {
                show(&mutant, &format!("survives {checks} checks"));
                survivors += 1;
            }
        }
    }
    println!("{caught} of {count} caught, {equivalent} equivalent");
    // With few mutants one is several per cent.
    let least = if asked.is_none() { LEAST_OF_FEW } else { LEAST };
    assert!(caught * 100 >= (caught + survivors) * least, "{survivors} mutants survive");
    assert!(equivalent * 10 <= count.max(20), "too many of the mutants are listed as equivalent");
}

/// The process in which mutants run: a driver that does not end a loop, or does not survive it, takes no test with it.
#[test]
#[ignore = "the test above starts it, as a process of its own"]
fn child_process() {
    if std::env::var_os(parent::CHILD).is_some() {
        child::serve(&support::checked_gpu().unwrap());
    }
}

/// The harness itself: what it changes, and what it leaves alone because it says the same.
#[test]
fn every_kind_of_change_is_made() {
    let text = "
const N: u32 = 4u;
struct Args { count: u32, width: u32 }
var<workgroup> lanes: array<f32, N>;
var<workgroup> others: array<f32, N>;
fn main(lane: u32) {
    let a = vec2f(1.0, f32(lane & 3u));
    for (var i = 0u; i < args.count; i++) { lanes[i] = max(a.x, 2.5); }
    workgroupBarrier();
    if (lane > 0u && N >= args.width) { return; }
    others[lane] = select(a.x + 1.0, -a.y, lane == N);
}";
    let all: Vec<_> = changes::changes(text).iter().map(|c| (c.kind, c.lines(text)[1].clone())).collect();
    let has = |kind: &str, line: &str| all.iter().any(|(k, l)| *k == kind && l == line);
    for (kind, line) in [
        ("literal", "const N: u32 = 5u;"),
        ("arith", "others[lane] = select(a.x * 1.0, -a.y, lane == N);"),
        ("bits", "let a = vec2f(1.0, f32(lane | 3u));"),
        ("swizzle", "others[lane] = select(a.y + 1.0, -a.y, lane == N);"),
        ("swap", "others[lane] = select(-a.y, a.x + 1.0, lane == N);"),
        ("compare", "others[lane] = select(a.x + 1.0, -a.y, lane != N);"),
        ("name", "others[N] = select(a.x + 1.0, -a.y, lane == N);"),
        ("name", "lanes[lane] = select(a.x + 1.0, -a.y, lane == N);"),
        ("field", "for (var i = 0u; i < args.width; i++) { lanes[i] = max(a.x, 2.5); }"),
        ("call", "for (var i = 0u; i < args.count; i++) { lanes[i] = min(a.x, 2.5); }"),
        ("compare", "for (var i = 0u; i <= args.count; i++) { lanes[i] = max(a.x, 2.5); }"),
        ("delete", "for (var i = 0u; i < args.count; i++) { }"),
        ("barrier", ""),
        ("logic", "if (lane > 0u || N >= args.width) { return; }"),
        ("negate", "if (!(lane > 0u && N >= args.width)) { return; }"),
        ("guard", "if (true) { return; }"),
        ("delete", "if (lane > 0u && N >= args.width) { }"),
        ("delete", ""),
    ] {
        assert!(has(kind, line), "{kind}: {line}: {all:#?}");
    }
    for line in [
        "for (var i = 0u; i != args.count; i++) { lanes[i] = max(a.x, 2.5); }",
        "for (var i = 0u; i < args.count; i++) { lanes[i] = max(2.5, a.x); }",
        "if (lane != 0u && N >= args.width) { return; }",
    ] {
        assert!(all.iter().all(|(_, l)| l != line), "{line}");
    }
}
