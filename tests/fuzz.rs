//! Readers under mutated files: whatever a file holds, it is read or refused with a message of bounded length; nothing
//! panics, hangs or takes more than a gigabyte.
//!
//! An input is a seed file with a few mutations. They are drawn from the run's seed and the number of the input alone, so
//! that each input can be made again. A run has a few thousand; the whole is
//! `WGRAD_FUZZ=100000 WGRAD_FUZZ_SEED=7 cargo test --test fuzz -- --nocapture`. `WGRAD_FUZZ_FROM=4711 WGRAD_FUZZ=1` runs
//! input 4711 alone. The input at work lies in the folder that a failure names.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "fuzz/forms.rs"]
mod forms;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/readers.rs"]
mod readers;
#[path = "fuzz/seeds.rs"]
mod seeds;

use rand::RngExt;
use readers::Reader;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};
use wgrad::random::{Domain, Stream};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Memory is the whole process's, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What an input may take.
#[derive(Clone, Copy)]
struct Limits {
    /// Bytes that are asked for in all, which is at least as much as lives at one time.
    bytes: usize,
    time: Duration,
    /// After this time an input is given up.
    hang: Duration,
    /// Characters of a message.
    message: usize,
}

const LIMITS: Limits =
    Limits { bytes: 1 << 30, time: Duration::from_secs(10), hang: Duration::from_secs(60), message: 1500 };

/// What became of the inputs of one reader.
#[derive(Default)]
struct Tally {
    read: usize,
    refused: usize,
    bytes: usize,
    time: Duration,
}

/// One input that was run.
struct Ran {
    reader: &'static str,
    answer: Result<(), String>,
    bytes: usize,
    time: Duration,
    fault: Option<String>,
}

/// Runs the inputs `numbers`; gives what became of them, and a line for each fault.
fn fuzz(
    readers: Vec<Reader>,
    numbers: std::ops::Range<u32>,
    seed: u64,
    folder: &Path,
    limits: Limits,
) -> (BTreeMap<&'static str, Tally>, Vec<String>) {
    let at_work = Arc::new(Mutex::new(String::new()));
    let (sender, receiver) = mpsc::channel();
    let (place, told) = (folder.to_owned(), Arc::clone(&at_work));
    quiet();
    let work = move || {
        for number in numbers {
            let mut stream = Stream::new(seed, Domain::Check, number);
            let reader = &readers[stream.random_range(0..readers.len())];
            let path = place.join(reader.file);
            let input = reader.input(&mut stream);
            *told.lock().unwrap_or_else(PoisonError::into_inner) = format!("input {number} ({})", reader.name);
            std::fs::write(&path, &input).unwrap();
            let ran = run(reader, &path, limits);
            if ran.fault.is_some() {
                std::fs::write(place.join(format!("fault-{number}-{}", reader.name.replace(' ', "_"))), &input)
                    .unwrap();
            }
            if sender.send((number, ran)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name(AT_WORK.to_owned()).spawn(work).unwrap();
    let (mut tallies, mut faults) = (BTreeMap::<_, Tally>::new(), vec![]);
    loop {
        match receiver.recv_timeout(limits.hang) {
            Ok((number, ran)) => {
                let tally = tallies.entry(ran.reader).or_default();
                *(if ran.answer.is_ok() { &mut tally.read } else { &mut tally.refused }) += 1;
                (tally.bytes, tally.time) = (tally.bytes.max(ran.bytes), tally.time.max(ran.time));
                faults.extend(ran.fault.map(|fault| format!("input {number} ({}): {fault}", ran.reader)));
            }
            Err(RecvTimeoutError::Disconnected) => return (tallies, faults),
            Err(RecvTimeoutError::Timeout) => {
                let at_work = at_work.lock().unwrap_or_else(PoisonError::into_inner).clone();
                faults.push(format!("{at_work} does not end"));
                return (tallies, faults);
            }
        }
    }
}

fn run(reader: &Reader, path: &Path, limits: Limits) -> Ran {
    let (region, started) = (Region::new(MEMORY), Instant::now());
    let answer = catch_unwind(AssertUnwindSafe(|| (reader.read)(path)));
    let (change, time) = (region.change(), started.elapsed());
    let bytes = change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or(0);
    let (answer, panic) = match answer {
        Ok(answer) => (answer, None),
        Err(what) => (Ok(()), Some(format!("panics{}: {}", WHERE.take(), said(what.as_ref())))),
    };
    let long = answer.as_ref().err().map(|message| message.chars().count()).filter(|&count| count > limits.message);
    let fault = panic
        .or_else(|| (bytes > limits.bytes).then(|| format!("asks for {bytes} bytes")))
        .or_else(|| (time > limits.time).then(|| format!("takes {time:?}")))
        .or_else(|| long.map(|count| format!("is refused in {count} characters")));
    Ran { reader: reader.name, answer, bytes, time, fault }
}

/// The name of the thread on which inputs are read.
const AT_WORK: &str = "input";

thread_local! {
    /// Where the last panic on this thread was.
    static WHERE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics of inputs from being printed, and their places.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match std::thread::current().name() {
            Some(AT_WORK) => WHERE.set(panic.location().map_or_else(String::new, |place| format!(" at {place}"))),
            _ => usual(panic),
        }));
    });
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// A folder of this test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn whatever_a_file_holds_it_is_read_or_refused() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder("fuzz");
    let (seed, first) = (number("WGRAD_FUZZ_SEED", 1), number("WGRAD_FUZZ_FROM", 0) as u32);
    let inputs = number("WGRAD_FUZZ", 3000) as u32;
    let readers = readers::all(&folder);
    let names: Vec<&str> = readers.iter().map(|reader| reader.name).collect();
    let (tallies, faults) = fuzz(readers, first..first + inputs, seed, &folder, LIMITS);
    for (name, Tally { read, refused, bytes, time }) in &tallies {
        println!("{name:<16} {read:>6} read {refused:>6} refused; at most {bytes:>10} bytes, {time:?}");
    }
    assert!(
        faults.is_empty(),
        "{} faults, the files are in {}:\n{}",
        faults.len(),
        folder.display(),
        faults.join("\n")
    );
    if inputs >= 3000 {
        // A fuzzer whose inputs all fail at the door, or that none fails, tests nothing.
        let alive = |name: &&str| tallies.get(*name).is_some_and(|tally| tally.read > 0 && tally.refused > 0);
        assert!(names.iter().all(alive), "some reader was not tried from both sides");
    }
}

#[test]
fn what_a_reader_must_not_do_is_seen() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder("fuzz_seen");
    let second = Duration::from_secs(1);
    let limits = Limits { bytes: 1 << 30, time: second / 2, hang: 2 * second, message: 100 };
    let faults_of = |read: fn(&Path) -> Result<(), String>| {
        let file = "made";
        let reader = Reader { read, ..Reader::raw("made", file, vec![b"1,2\n3,4\n".to_vec()], &[]) };
        fuzz(vec![reader], 0..20, 3, &folder, limits).1
    };
    assert!(faults_of(|_| Ok(())).is_empty());
    assert!(faults_of(|_| Err("no".to_owned())).is_empty());
    let panics = faults_of(|path| Err(std::fs::read_to_string(path).map_or("bytes".into(), |text| text[..9].into())));
    assert!(!panics.is_empty() && panics[0].contains("panics at tests/fuzz.rs"), "{panics:?}");
    let some = faults_of(|path| if std::fs::read(path).unwrap().contains(&b'4') { panic!("found") } else { Ok(()) });
    assert!(!some.is_empty() && some.len() < 20 && some[0].contains("found"), "{some:?}");
    let large = faults_of(|_| {
        drop(std::hint::black_box(Vec::<u8>::with_capacity((1 << 30) + 1)));
        Ok(())
    });
    assert!(large.len() == 20 && large[0].contains("asks for 107374"), "{large:?}");
    let wordy = faults_of(|_| Err("long ".repeat(30)));
    assert!(wordy.len() == 20 && wordy[0].contains("150 characters"), "{wordy:?}");
    let hangs = faults_of(|_| {
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    assert!(hangs.len() == 1 && hangs[0].contains("input 0 (made) does not end"), "{hangs:?}");
    let slow = faults_of(|path| {
        let short = std::fs::read(path).unwrap().len() < 4;
        std::thread::sleep(Duration::from_millis(if short { 700 } else { 0 }));
        Ok(())
    });
    assert!(slow.iter().all(|fault| fault.contains("takes")), "{slow:?}");
}
