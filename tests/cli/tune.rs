//! `wgrad tune`, and what is kept between runs.

use super::place::{LAYERS, Place, Ran, sentence};
use super::support;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const QUICK: &str = "--device gpu --runs 1 --seconds 0.01";

/// Runs what must work, with a folder in which things are kept.
fn keeping(place: &Place, folder: &Path, line: &str) -> Ran {
    let ran: Ran = place.command(line).env("WGRAD_CACHE", folder).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
    ran
}

/// The files of a folder whose names begin so.
fn files(folder: &Path, start: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
    entries.map(|entry| entry.unwrap().path()).filter(named).collect()
}

fn plan() -> String {
    format!("plan digits {LAYERS} --device gpu")
}

/// Tunes in a moment, and writes another choice over what was found, which no table has.
fn tuned(place: &Place, folder: &Path) -> (PathBuf, Value) {
    let ran = keeping(place, folder, &format!("tune w3 {QUICK}"));
    for part in ["nt 32x32x64", "tiled", "fixed", "chosen", "blocks joined", "kept "] {
        assert!(ran.out.contains(part), "no {part:?} in {ran:?}");
    }
    let [file] = files(folder, "tuned-").try_into().unwrap();
    assert!(ran.out.contains(file.to_str().unwrap()), "{ran:?}");
    let mut choice: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    choice["product"] = "plain".into();
    choice["groups_wanted"] = 8.into();
    choice["block_work"] = 0.into();
    fs::write(&file, choice.to_string()).unwrap();
    (file, choice)
}

#[test]
fn a_choice_is_kept_used_and_forgotten() {
    if support::gpu().is_none() {
        return;
    }
    let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
    let folder = folder.path().join("made/when wanted");
    let plain = place.done(&plan());
    let (_, choice) = tuned(&place, &folder);
    let words = "tuned: plain products, split to have 8 groups, no blocks";
    let ran = keeping(&place, &folder, &plan());
    assert!(ran.out.contains(words) && ran.out.contains("matmul.plain_") && ran.err.is_empty(), "{ran:?}");
    assert!(!plain.contains("tuned") && plain.contains("fixed: ") && !plain.contains("matmul.plain_"), "{plain}");
    let train = format!("train digits {LAYERS} --device gpu --steps 2 --out run");
    assert!(keeping(&place, &folder, &train).out.contains(words));
    let devices = keeping(&place, &folder, "devices").out;
    assert!(devices.contains("plain, tuned") && devices.contains("wgrad tune --reset"), "{devices}");
    let devices = keeping(&place, &folder, "devices --json").out;
    let mut devices = devices.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = devices.find(|device| device["tuned"] == true).unwrap();
    assert_eq!([&found["name"], &found["products"]], [&choice["adapter"], &"plain".into()]);
    let reset = "tune --reset --device gpu";
    assert!(keeping(&place, &folder, reset).err.contains("forgotten"));
    assert_eq!(files(&folder, "tuned-"), Vec::<PathBuf>::new());
    assert_eq!(keeping(&place, &folder, &plan()).out, plain);
    assert!(keeping(&place, &folder, reset).err.contains("there was none"));
}

#[test]
fn a_choice_that_does_not_fit_is_told_of_and_not_used() {
    if support::gpu().is_none() {
        return;
    }
    let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
    let plain = place.done(&plan());
    let (file, choice) = tuned(&place, folder.path());
    let with = |key: &str, value: Value| {
        let mut other = choice.clone();
        other[key] = value;
        other.to_string()
    };
    for (text, what) in [
        (with("driver_version", "0.1".into()), "driver's version \"0.1\", which is "),
        (with("format", 99.into()), "format is 99"),
        (with("product", "tensor".into()), "\"tensor\""),
        (with("colour", "red".into()), "colour"),
        (choice.to_string()[..30].to_owned(), "is broken"),
    ] {
        fs::write(&file, text).unwrap();
        let ran = keeping(&place, folder.path(), &plan());
        assert_eq!(ran.out, plain, "{what}");
        let one = ran.err.lines().count() == 1 && ran.err.contains("the fixed table decides");
        assert!(one && ran.err.contains(what), "{what}: {ran:?}");
        assert!(!keeping(&place, folder.path(), "devices").out.contains("tuned"), "{what}");
    }
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
    place.refused("tune w9", &["\"w9\"", "mean w1?"]);
    place.refused("tune --runs 0", &["--runs"]);
    place.refused("tune --device gpu", &["WGRAD_CACHE", "off"]);
    let line = "tune --device cpu";
    let ran: Ran = place.command(line).env("WGRAD_CACHE", folder.path()).output().unwrap().into();
    assert_eq!(ran.code, Some(2));
    sentence(line, &ran, &["CPU path", "--device"]);
}

#[test]
fn compiled_kernels_are_kept_for_the_next_run() {
    if support::gpu().is_none() {
        return;
    }
    let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
    let train = |out: &str| format!("train digits {LAYERS} --device gpu --steps 1 --quiet --out {out}");
    keeping(&place, folder.path(), &train("one"));
    let [file] = &files(folder.path(), "")[..] else {
        return support::not_checked("compiled kernels, which this driver does not hand out");
    };
    let whole = fs::read(file).unwrap();
    assert_eq!(keeping(&place, folder.path(), &train("two")).err, "");
    fs::write(file, &whole[..whole.len() / 2]).unwrap();
    let ran = keeping(&place, folder.path(), &train("three"));
    assert!(ran.err.lines().count() == 1 && ran.err.contains("broken"), "{ran:?}");
    assert_eq!(fs::read(file).unwrap(), whole);
    // A folder that cannot be made is told of once, and stops nothing.
    let ran = keeping(&place, &file.join("below a file"), &train("four"));
    assert!(ran.err.lines().count() == 1 && ran.err.contains("WGRAD_CACHE"), "{ran:?}");
    assert_eq!(files(folder.path(), "").len(), 1);
}
