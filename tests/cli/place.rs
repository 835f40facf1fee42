//! A folder in which the program is run, and the data that are made there.

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Layers that train in no time and have all that a network can have.
pub const LAYERS: &str = "--layers 'linear 8, batch_norm, relu, dropout 0.1, linear'";

pub struct Place {
    dir: TempDir,
}

/// What a command left.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Words as a shell would split them, with single quotes.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    pieces
        .flat_map(|(i, piece)| match i % 2 {
            0 => piece.split_whitespace().map(str::to_owned).collect(),
            _ => vec![piece.to_owned()],
        })
        .collect()
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The program with the words of a line as its arguments, which keeps nothing for the next run.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.args(words(line)).current_dir(self.dir.path());
        ["RUST_BACKTRACE", "WGRAD_DATA", "WGRAD_PRODUCT"].iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("WGRAD_CACHE", "off");
        command
    }

    /// The same with the signals that stop it as a terminal has them: tests may run where they are ignored, as in the
    /// background of a script. Where `env` cannot do that, they are as they are.
    #[cfg(unix)]
    pub fn stoppable(&self, command: &Command) -> Command {
        let signals = "--default-signal=HUP,INT,TERM";
        let resets = Command::new("env").args([signals, "true"]).output().is_ok_and(|ran| ran.status.success());
        let mut stoppable = Command::new("env");
        stoppable.args(resets.then_some(signals)).arg(command.get_program()).args(command.get_args());
        stoppable.current_dir(self.dir.path()).env("WGRAD_CACHE", "off").env_remove("WGRAD_DATA");
        stoppable
    }

    pub fn run(&self, line: &str) -> Ran {
        self.command(line).output().unwrap().into()
    }

    /// Runs what must work, and gives what it printed.
    pub fn done(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        ran.out
    }

    /// Runs what must work, and gives the JSON object of each line.
    pub fn json(&self, line: &str) -> Vec<Value> {
        let out = self.done(&format!("{line} --json"));
        out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
    }

    /// Runs what must be refused: exit code 2, one sentence that names all of `names`, and no file made or changed.
    pub fn refused(&self, line: &str, names: &[&str]) {
        let before = content(self.dir.path());
        let ran = self.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        sentence(line, &ran, names);
        assert_eq!(ran.out, "", "{line}");
        assert!(before == content(self.dir.path()), "{line}: files were made or changed");
    }
}

/// Holds that stderr is one sentence that names all of `names`.
pub fn sentence(line: &str, ran: &Ran, names: &[&str]) {
    assert!(ran.err.starts_with("error: ") && ran.err.lines().count() == 1, "{line}: {ran:?}");
    assert!(!ran.err.contains("panicked") && !ran.err.contains("RUST_BACKTRACE"), "{line}: {ran:?}");
    // Paths are told as the system writes them.
    let told = ran.err.replace('\\', "/");
    names.iter().for_each(|name| assert!(told.contains(name), "{line}: no {name:?} in {}", ran.err));
}

/// All files below a folder with what they hold, and the folders.
fn content(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
            all.insert(path, None);
        } else {
            let bytes = fs::read(&path).unwrap();
            all.insert(path, Some(bytes));
        }
    }
    all
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file.
pub fn idx(magic: u32, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let header = std::iter::once(magic).chain(dims.iter().copied()).flat_map(u32::to_be_bytes);
    header.chain(data.iter().copied()).collect()
}

/// Images of 4x4 pixels whose class, 0 to 2, is the bright row.
pub fn images(count: usize) -> (Vec<u8>, Vec<u8>) {
    let pixel = |image: usize, at: usize| if at / 4 == image % 3 { 200 + (image % 50) as u8 } else { (at * 3) as u8 };
    let pixels = (0..count).flat_map(|image| (0..16).map(move |at| pixel(image, at)));
    (pixels.collect(), (0..count).map(|image| (image % 3) as u8).collect())
}

/// A folder of IDX files: 60 images to train with, 15 to test.
pub fn idx_folder(place: &Place, name: &str, packed: bool) {
    for (part, count) in [("train", 60), ("t10k", 15)] {
        let (pixels, labels) = images(count);
        let files = [
            ("images-idx3", idx(2051, &[count as u32, 4, 4], &pixels)),
            ("labels-idx1", idx(2049, &[count as u32], &labels)),
        ];
        for (kind, bytes) in files {
            let (end, bytes) = if packed { (".gz", gzip(&bytes)) } else { ("", bytes) };
            place.write(&format!("{name}/{part}-{kind}-ubyte{end}"), bytes);
        }
    }
}

/// The rows of a table of two numbers and a class, which is whether the first is the larger.
pub fn rows(count: usize) -> Vec<[String; 3]> {
    let row = |i: usize| {
        let (x, y) = (((i * 37) % 101) as f64 / 10.0, ((i * 53) % 97) as f64 / 10.0);
        [x.to_string(), y.to_string(), if x > y { "over" } else { "under" }.to_owned()]
    };
    (0..count).map(row).collect()
}

pub fn table(count: usize) -> String {
    let lines = rows(count).into_iter().map(|row| row.join(",") + "\n");
    std::iter::once("x,y,label\n".to_owned()).chain(lines).collect()
}

/// A model trained for a few steps, in `NAME/model.safetensors`.
pub fn trained(place: &Place, data: &str, name: &str) -> String {
    place.done(&format!("train {data} --device cpu --batch 16 --steps 20 {LAYERS} --quiet --out {name}"));
    format!("{name}/model.safetensors")
}
