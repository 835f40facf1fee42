//! Runs that are killed at any instant, or that find the disk full, go on and end as if nothing had happened: with the same
//! bytes. The numbers of events are small here; `WGRAD_KILLS=100 WGRAD_FULL_DISKS=20 cargo test --test kills -- --nocapture`
//! makes as many, and says what it met.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cli/place.rs"]
#[allow(dead_code, reason = "a part is used")]
mod place;
mod support;

use place::{Place, Ran, table};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wgrad::export::{Model, Progress};

/// Everything that a state has: batch norm's averages, dropout's masks, Adam's means, a rate that changes, a best model.
/// The state is written between all chunks of steps, so that kills meet a writing often.
const TRAIN: &str = "--device cpu --seed 5 --batch 4 --epochs 2 --optimizer adam --lr 0.01 --schedule 'exponential \
                     factor=0.9' --layers 'linear 32, batch_norm, relu, dropout 0.1, linear' --save-every 0 --quiet";

const FILES: [&str; 6] =
    ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml", "health.csv"];

fn asked(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

/// The undisturbed run. All runs lie as deep as this one, so that their recipes name the data alike.
const WHOLE: &str = "whole/run";

/// A place with data and an undisturbed run, and how long that took.
fn undisturbed() -> (Place, Duration) {
    let place = Place::new();
    place.write("points.csv", table(60_000));
    let started = Instant::now();
    place.done(&format!("train points.csv {TRAIN} --out {WHOLE}"));
    let time = started.elapsed();
    // Nor does it matter how often the state is written.
    place.done(&format!("train points.csv {} --out seldom", TRAIN.replace("--save-every 0", "")));
    for file in &FILES[..4] {
        assert!(place.read(&format!("{WHOLE}/{file}")) == place.read(&format!("seldom/{file}")), "{file} differs");
    }
    (place, time)
}

/// Where the run in a folder is, if it has been saved.
fn progress(place: &Place, run: &str) -> Option<Progress> {
    let last = place.path(&format!("{run}/last.safetensors"));
    last.exists().then(|| Model::read(&last).unwrap().described().unwrap().progress.clone().unwrap())
}

/// The command that goes on with a run, or begins it where it was ended before it began.
fn go_on(place: &Place, run: &str) -> String {
    if place.path(&format!("{run}/recipe.toml")).exists() {
        format!("train --resume {run} --device cpu --quiet")
    } else {
        format!("train points.csv {TRAIN} --out {run}")
    }
}

/// Goes on with a run to its end, and holds it to the undisturbed one.
fn ends_alike(place: &Place, run: &str, what: &str) {
    let ran = place.run(&go_on(place, run));
    assert_eq!(ran.code, Some(0), "{what}: {ran:?}");
    assert!(!ran.err.contains("lacks"), "{what}: rows were lost: {ran:?}");
    for file in FILES {
        let same = place.read(&format!("{WHOLE}/{file}")) == place.read(&format!("{run}/{file}"));
        assert!(same, "{what}: {file} differs from the undisturbed run");
    }
    for entry in std::fs::read_dir(place.path(run)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(FILES.contains(&name.as_str()) || name == ".lock", "{what}: {name} is left");
    }
}

#[test]
fn a_run_that_is_killed_ends_as_if_it_never_had_been() {
    let wanted = asked("WGRAD_KILLS", 6);
    let (place, time) = undisturbed();
    let (mut kills, mut within, mut before, mut between, mut runs) = (0, 0, 0, 0, 0);
    while kills < wanted {
        let run = format!("{runs}/run");
        runs += 1;
        // A third of the runs is killed once more after it has gone on.
        for again in 0..1 + usize::from(runs % 3 == 0) {
            let mut command = place.command(&go_on(&place, &run));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // Instants that are spread evenly, however many there are.
            let share = ((runs + again * 7) as f64 * 0.618_033_988_749_894_9).fract();
            std::thread::sleep(time.mul_f64(share * if again == 0 { 1.0 } else { 0.5 }));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            match progress(&place, &run) {
                None => before += 1,
                Some(progress) if progress.step_in_epoch > 0 => within += 1,
                Some(_) => between += 1,
            }
        }
        ends_alike(&place, &run, &format!("{run}, kill {kills}"));
        std::fs::remove_dir_all(place.path(&run)).unwrap();
    }
    println!(
        "{kills} SIGKILLs in {runs} runs of {time:.2?}: {within} left a state within an epoch, {between} at the end of one, \
         {before} none"
    );
    // Of few kills chance decides.
    assert!(kills < 30 || within * 10 >= kills * 3, "only {within} of {kills} were within an epoch");
}

/// A run in a shell whose files may only be so large: 512 bytes for each of `blocks`. The system then answers as it does
/// for a full disk, in place of its signal, which is ignored.
fn limited(place: &Place, blocks: usize, line: &str) -> Ran {
    let (program, folder) = (env!("CARGO_BIN_EXE_wgrad"), place.path(""));
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} {line}");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(folder).env("WGRAD_CACHE", "off").env_remove("WGRAD_DATA");
    command.output().unwrap().into()
}

fn refused_for_room(what: &str, ran: &Ran, reason: &str) {
    assert_eq!(ran.code, Some(1), "{what}: {ran:?}");
    place::sentence(what, ran, &[reason]);
}

#[test]
fn a_run_whose_files_cannot_grow_loses_nothing() {
    let wanted = asked("WGRAD_FULL_DISKS", 4);
    let (place, _) = undisturbed();
    let largest = FILES.iter().map(|file| place.read(&format!("{WHOLE}/{file}")).len()).max().unwrap() / 512;
    let mut saved = 0;
    for event in 0..wanted {
        let (run, blocks) = (format!("{event}/run"), event * largest / wanted);
        let what = format!("files of at most {} bytes", blocks * 512);
        let ran = limited(&place, blocks, &format!("train points.csv {TRAIN} --out {run}"));
        refused_for_room(&what, &ran, "larger than this system allows");
        saved += usize::from(progress(&place, &run).is_some());
        ends_alike(&place, &run, &what);
    }
    println!("{wanted} limits of file sizes: {saved} runs had been saved before");
}

/// A file system of so many kilobytes in `full` of a place, which is unmounted when this goes.
struct Mounted<'a>(&'a Place);

fn mount(place: &Place, options: &str) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place.path("full")).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path("full")).status();
    }
}

#[test]
fn a_run_on_a_full_disk_loses_nothing() {
    let wanted = asked("WGRAD_FULL_DISKS", 4);
    let (place, _) = undisturbed();
    std::fs::create_dir(place.path("full")).unwrap();
    // Memory for files comes in pages. What is being replaced is there twice.
    let pages = |name: &str| place.read(name).len().div_ceil(4096);
    let all: usize = FILES.iter().map(|file| pages(&format!("{WHOLE}/{file}"))).sum();
    let most = all + pages(&format!("{WHOLE}/last.safetensors"));
    let (mut events, mut saved) = (0, 0);
    while events < wanted {
        // Always too small for the end of a run, and large enough for its beginning.
        let size = 4 * (1 + (events * (most - 2) / wanted).max(1));
        if !mount(&place, &format!("size={size}k")) {
            support::not_checked("a full disk, because no small file system can be mounted here");
            return;
        }
        let mounted = Mounted(&place);
        let what = format!("a disk of {size} KiB");
        let ran = place.run(&format!("train points.csv {TRAIN} --out full/run"));
        refused_for_room(&what, &ran, "disk is full");
        saved += usize::from(progress(&place, "full/run").is_some());
        assert!(mount(&place, "remount,size=4m"));
        ends_alike(&place, "full/run", &what);
        events += 1;
        drop(mounted);
    }
    println!("{events} full disks: {saved} runs had been saved before");
}
