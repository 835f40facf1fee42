//! Event files, read back by a reader of their format (TFRecord and protocol buffers), and by TensorBoard's own where it is.

use super::place::{LAYERS, Place, table};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Steps and values by tag.
type Curves = BTreeMap<String, Vec<(u64, f32)>>;

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return value;
        }
    }
}

/// The fields of a message: number, and its bytes or the number that it is.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut found = vec![];
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                found.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            wire => panic!("wire type {wire}"),
        };
        found.push((key >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    found
}

fn event_file(place: &Place) -> PathBuf {
    let files = std::fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().contains("events.out.tfevents.")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// The curves of the one event file. Checksums are judged by the unit tests and by TensorBoard.
fn curves(place: &Place) -> Curves {
    let bytes = std::fs::read(event_file(place)).unwrap();
    let (mut rest, mut curves, mut first) = (&bytes[..], Curves::new(), true);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let event = fields(&rest[12..12 + length]);
        rest = &rest[12 + length + 4..];
        let of = |number: u64| event.iter().find(|(found, _)| *found == number).map(|(_, bytes)| bytes.clone());
        assert_eq!(first, of(3).as_deref() == Some(b"brain.Event:2"));
        first = false;
        let step = u64::from_le_bytes(of(2).unwrap().try_into().unwrap());
        for (_, value) in of(5).map_or_else(Vec::new, |summary| fields(&summary)) {
            let [(1, tag), (2, number)] = &fields(&value)[..] else { panic!("a value of tag and number") };
            let number = f32::from_le_bytes(number[..].try_into().unwrap());
            curves.entry(String::from_utf8(tag.clone()).unwrap()).or_default().push((step, number));
        }
    }
    curves
}

/// What the run's own tables say: a column against another.
fn column(place: &Place, file: &str, x: usize, y: usize) -> Vec<(u64, f32)> {
    let text = place.text(&format!("run/{file}"));
    let cells = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    cells.map(|cells| (cells[x].parse().unwrap(), cells[y].parse::<f64>().unwrap() as f32)).collect()
}

fn assert_as_tables(place: &Place) -> Curves {
    let found = curves(place);
    let steps: Vec<_> = column(place, "steps.csv", 0, 1).into_iter().map(|(step, loss)| (step + 1, loss)).collect();
    assert_eq!(found["loss/step"], steps);
    assert_eq!(found["lr"].len(), steps.len());
    for (tag, y) in [("loss/training", 2), ("accuracy/training", 3), ("loss/validation", 4), ("accuracy/validation", 5)]
    {
        assert_eq!(found[tag], column(place, "epochs.csv", 1, y), "{tag}");
    }
    found
}

fn train(place: &Place) {
    place.write("points.csv", table(200));
    let settings = "--schedule cosine --lr 0.01 --validation 0.2 --log tensorboard";
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 2 {settings} {LAYERS} --quiet --out run"));
}

#[test]
fn events_are_those_of_the_tables_and_go_on_with_the_run() {
    let place = Place::new();
    train(&place);
    let found = assert_as_tables(&place);
    assert_eq!(found["lr"][0], (1, 0.01));
    let (file, before) = (event_file(&place), std::fs::read(event_file(&place)).unwrap());
    // What a kill has left behind the saved state is dropped.
    std::fs::write(&file, [&before[..], &before[before.len() - 40..]].concat()).unwrap();
    place.done("train --resume run --epochs 4 --device cpu --quiet");
    let more = assert_as_tables(&place);
    assert_eq!((more["loss/step"].len(), more["loss/training"].len()), (2 * found["loss/step"].len(), 4));
    assert!(std::fs::read(&file).unwrap().starts_with(&before));
    // Without it there is no such file.
    place.done(&format!("train points.csv --device cpu --steps 2 {LAYERS} --quiet --out plain"));
    assert!(
        std::fs::read_dir(place.path("plain"))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains("tfevents") })
    );
    place.refused("train points.csv --device cpu --log tensorbord", &["log", "tensorboard"]);
}

/// TensorBoard's own reader. `WGRAD_TENSORBOARD` names a Python that has it.
#[test]
fn tensorboard_reads_the_same() {
    let Some(python) = std::env::var_os("WGRAD_TENSORBOARD") else {
        eprintln!("WGRAD_TENSORBOARD names no Python with TensorBoard: nothing is compared");
        return;
    };
    let place = Place::new();
    train(&place);
    let program = "import json, sys\n\
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n\
        events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}).Reload()\n\
        print(json.dumps({t: [[e.step, e.value] for e in events.Scalars(t)] for t in events.Tags()['scalars']}))";
    let ran = Command::new(python).args(["-c", program]).arg(place.path("run")).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let read: BTreeMap<String, Vec<(u64, f32)>> = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(read, assert_as_tables(&place));
}
