#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::write;
use crate::data::opened::Content;
use crate::data::{Encoded, Normalize, Options, Targets, Values, read_part};
use flate2::{Compression, write::DeflateEncoder};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::Write;

/// A file of version 1.
fn npy(descr: &str, fortran: bool, shape: &str, items: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), items].concat()
}

fn bytes(shape: &str, items: &[u8]) -> Vec<u8> {
    npy("'|u1'", false, shape, items)
}

fn int64(shape: &str, items: &[i64]) -> Vec<u8> {
    npy("'<i8'", false, shape, &items.iter().flat_map(|item| item.to_le_bytes()).collect::<Vec<_>>())
}

fn floats(shape: &str, items: &[f32]) -> Vec<u8> {
    npy("'<f4'", false, shape, &items.iter().flat_map(|item| item.to_le_bytes()).collect::<Vec<_>>())
}

/// An archive of arrays, every second one deflated.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![];
    let mut archive = ZipArchiveWriter::new(&mut file);
    for (at, (name, array)) in arrays.iter().enumerate() {
        let method = [CompressionMethod::STORE, CompressionMethod::DEFLATE][at % 2];
        let name = format!("{name}.npy");
        let (mut entry, config) = archive.new_file(&*name).compression_method(method).start().unwrap();
        let descriptor = if method == CompressionMethod::STORE {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(array).unwrap();
            writer.finish().unwrap().1
        } else {
            let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            writer.write_all(array).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    file
}

/// Opens arrays for a task, as a folder and as an archive, which are the same.
fn opened_for(arrays: &[(&str, Vec<u8>)], task: Option<Task>) -> Result<Opened, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "set.npz", &npz(arrays));
    let folder = dir.path().join("set");
    std::fs::create_dir(&folder).unwrap();
    arrays.iter().for_each(|(name, array)| _ = write(&folder, &format!("{name}.npy"), array));
    let open = |path: &Path| {
        crate::data::open(path.to_str().unwrap(), &Options { task, ..Options::default() }, None)
            .map(|opened| Opened { name: "set".to_owned(), ..opened })
            .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "PATH"))
    };
    assert_eq!(open(&file), open(&folder));
    crate::data::open(file.to_str().unwrap(), &Options { task, ..Options::default() }, None)
}

fn opened(arrays: &[(&str, Vec<u8>)]) -> Result<Opened, DataError> {
    opened_for(arrays, None)
}

/// The message of what is refused.
fn refusal(arrays: &[(&str, Vec<u8>)]) -> String {
    opened(arrays).unwrap_err().to_string()
}

#[test]
fn pictures_of_bytes_stay_bytes_and_parts_come_in_order() {
    let set = opened(&[
        ("y_test", bytes("(1, 1)", &[10])),
        ("x_test", bytes("(1, 2, 1)", &[8, 9])),
        ("x_train", bytes("(2, 2, 1)", &[0, 1, 2, 3])),
        ("y_train", bytes("(2,)", &[10, 9])),
        ("x_val", bytes("(1, 2, 1)", &[5, 6])),
        ("y_val", bytes("(1,)", &[9])),
        ("extra", bytes("(1,)", &[9])),
    ])
    .unwrap();
    let all = vec![0, 1, 2, 3, 5, 6, 8, 9];
    assert_eq!(set.content, Content::Images { bytes: all, shape: vec![1, 2, 1], largest: 255.0 });
    assert_eq!((set.rows(), set.test.clone(), set.is_image()), (4, Some(3..4), true));
    assert_eq!(set.targets, Targets::Classes { labels: vec![1, 0, 0, 1], names: vec!["9".into(), "10".into()] });
    let notes = set.notes.join("; ");
    for what in ["x_train and y_train are rows and targets", "the 1 rows of x_val", "not read: extra"] {
        assert!(notes.contains(what), "{notes}");
    }
}

#[test]
fn channels_come_first_and_orders_are_undone() {
    let labels = || ("labels", int64("(2,)", &[-5, 3]));
    let content = |array| opened(&[("images", array), labels()]).unwrap().content;
    let wanted = |bytes: &[u8]| Content::Images { bytes: bytes.to_vec(), shape: vec![3, 2, 2], largest: 255.0 };
    let planes: Vec<u8> = (0..24).collect();
    assert_eq!(content(bytes("(2, 3, 2, 2)", &planes)), wanted(&planes));
    // Pixel by pixel.
    let pixels: Vec<u8> = (0..24).map(|at| at / 12 * 12 + at % 3 * 4 + at % 12 / 3).collect();
    assert_eq!(content(bytes("(2, 2, 2, 3)", &pixels)), wanted(&planes));
    // The first axis fastest.
    let turned: Vec<u8> = (0..24).map(|at| at % 2 * 12 + at / 2 % 3 * 4 + at / 6 % 2 * 2 + at / 12).collect();
    assert_eq!(content(npy("'|u1'", true, "(2, 3, 2, 2)", &turned)), wanted(&planes));
    let big = [1.5_f64, 2.0, 3.0, 4.0].iter().flat_map(|item| item.to_be_bytes()).collect::<Vec<_>>();
    let set = opened(&[("data", npy("'>f8'", true, "(2, 2)", &big)), ("target", int64("(2,)", &[0, 1]))]).unwrap();
    let columns = vec!["x0".to_owned(), "x1".to_owned()];
    assert_eq!(set.content, Content::Floats { values: vec![1.5, 3.0, 2.0, 4.0], shape: vec![2], columns });
    let set = opened(&[("images", floats("(2, 1, 2)", &[0.0, 0.5, 1.0, 2.0])), labels()]).unwrap();
    assert!(set.is_image() && set.targets.names() == ["-5", "3"]);
    assert!(matches!(set.content, Content::Floats { shape, .. } if shape == [1, 1, 2]));
}

#[test]
fn targets_are_of_their_type_and_of_the_task() {
    let x = || ("x", floats("(3,)", &[1.0, 2.0, 3.0]));
    let targets = |y, task| opened_for(&[x(), ("y", y)], task).map(|set| (set.targets, set.notes.len()));
    let numbers = |values: &[f64], names: &[&str]| Targets::of_numbers(values, names);
    let whole = || floats("(3, 1)", &[2.0, 1.0, 2.0]);
    assert_eq!(targets(whole(), None).unwrap(), (numbers(&[2.0, 1.0, 2.0], &["y"]), 2));
    let classes = Targets::Classes { labels: vec![1, 0, 1], names: vec!["1".into(), "2".into()] };
    assert_eq!(targets(whole(), Some(Task::Classification)).unwrap(), (classes, 1));
    let int = || int64("(3,)", &[2, 1, 2]);
    assert_eq!(targets(int(), Some(Task::Regression)).unwrap().0, numbers(&[2.0, 1.0, 2.0], &["y"]));
    let halves = || floats("(3,)", &[0.5, 1.0, 2.0]);
    assert_eq!(targets(halves(), None).unwrap(), (numbers(&[0.5, 1.0, 2.0], &["y"]), 1));
    let error = targets(halves(), Some(Task::Classification)).unwrap_err().to_string();
    assert!(error.contains("row 1 of the array y holds 0.5, which is no class"), "{error}");
    let two = floats("(3, 2)", &[0.5, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(targets(two, None).unwrap().0, numbers(&[0.5, 1.0, 2.0, 3.0, 4.0, 5.0], &["y0", "y1"]));
    let flags = npy("'|b1'", false, "(3, 2)", &[0, 1, 1, 1, 0, 0]);
    let wanted = Targets::of_flags(&[false, true, true, true, false, false], &["y0", "y1"]);
    assert_eq!(targets(flags, None).unwrap(), (wanted, 2));
    let error = targets(int64("(3, 2)", &[0, 1, 2, 0, 0, 0]), Some(Task::Classification)).unwrap_err().to_string();
    assert!(error.contains("row 2 of the array y holds 2"), "{error}");
    let texts = npy("'|S3'", false, "(3,)", b"cat\0\0\0dog");
    assert_eq!(targets(texts, None).unwrap().0.names(), ["", "cat", "dog"]);
    let unicode: Vec<u8> = "bab".chars().flat_map(|letter| (letter as u32).to_be_bytes()).collect();
    assert_eq!(targets(npy("'>U1'", false, "(3,)", &unicode), None).unwrap().0.names(), ["a", "b"]);
}

#[test]
fn what_does_not_fit_is_refused_in_one_sentence() {
    let y = || ("y", int64("(2,)", &[0, 1]));
    let x = || ("x", floats("(2,)", &[0.0, 1.0]));
    for (arrays, what) in [
        (vec![("a", bytes("(1,)", &[1])), y()], "there is an array y but none that is called x"),
        (vec![("a", bytes("(1,)", &[1]))], "no two of its arrays"),
        (vec![x(), y(), ("images", bytes("(1,)", &[1])), ("labels", bytes("(1,)", &[1]))], "\"x and y\""),
        (vec![x(), ("y", int64("(3,)", &[0, 1, 1]))], "x has 2 rows but y has 3"),
        (vec![x(), ("y", int64("(2,)", &[1, 1]))], "at least two classes"),
        (vec![x(), ("y", floats("(2,)", &[1.5, 1.5]))], "nothing to learn"),
        (vec![x(), ("y", floats("(2,)", &[1.5, f32::INFINITY]))], "row 2 of the array y holds inf"),
        (vec![("x", floats("(2, 2)", &[0.0, 1.0, f32::NAN, 0.0])), y()], "row 2 of the array x holds NaN"),
        (vec![("x", npy("'|O'", false, "(2,)", &[0; 9])), y()], "objects of Python"),
        (vec![("x", npy("'<c8'", false, "(2,)", &[0; 16])), y()], "the type \"<c8\""),
        (vec![("x", npy("[('a', '<f4')]", false, "(2,)", &[0; 8])), y()], "holds items of the type"),
        (vec![("x", npy("'|S2'", false, "(2,)", &[0; 4])), y()], "texts where numbers are wanted"),
        (vec![("x", bytes("(2, 3, 2, 3)", &[0; 36])), y()], "second axis or the last one"),
        (vec![("x", bytes("(2, 2, 2, 2)", &[0; 16])), y()], "1 or 3 channels"),
        (vec![("x", bytes("(2, 0)", &[])), y()], "holds nothing"),
        (vec![("x", bytes("(2, 3)", &[0; 5])), y()], "promises 6 bytes of data but 5 follow"),
        (vec![("x", bytes("(2, 99999999999999999, 99999999999999999, 99999999999)", &[0; 5])), y()], "promises"),
        (vec![("x", b"\x93NUMPY\x01\0\xff\xff{".to_vec()), y()], "it is cut short"),
        (vec![("x", b"PK".to_vec()), y()], "other bytes stand there"),
        (vec![x(), y(), ("x_test", bytes("(1,)", &[1]))], "but none that is called y_test"),
        (
            vec![x(), y(), ("x_test", floats("(1, 2)", &[1.0, 2.0])), ("y_test", int64("(1,)", &[0]))],
            "the rows of x_test are",
        ),
        (vec![x(), ("y", int64("(1, 1, 2)", &[0, 1]))], "x has 2 rows but y has 1"),
        (vec![x(), ("y", int64("(2, 1, 1)", &[0, 1]))], "[n, targets]"),
    ] {
        let message = refusal(&arrays);
        assert!(message.contains(what), "{message}, not {what}");
    }
}

#[test]
fn broken_archives_and_lone_arrays_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = npz(&[("x", floats("(2,)", &[0.0, 1.0])), ("y", int64("(2,)", &[0, 1]))]);
    let open = |bytes: &[u8]| {
        let path = write(dir.path(), "set.NPZ", bytes);
        crate::data::open(path.to_str().unwrap(), &Options::default(), None)
    };
    open(&whole).unwrap();
    for length in 0..whole.len() {
        assert!(open(&whole[..length]).is_err(), "{length} bytes");
    }
    for at in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x55;
        // It may be of no importance, but never ends the program.
        _ = open(&wrong);
    }
    let alone = write(dir.path(), "x.npy", &floats("(2,)", &[0.0, 1.0]));
    let error = crate::data::open(alone.to_str().unwrap(), &Options::default(), None).unwrap_err();
    assert!(error.to_string().contains("into a folder, as x.npy and y.npy"), "{error}");
}

#[test]
fn arrays_validate_arrays_as_they_are_normalised() {
    let dir = tempfile::tempdir().unwrap();
    let set = |name, x: &[f32], y: &[i64]| {
        let arrays = [("X", floats(&format!("({}, 2)", y.len()), x)), ("y", int64(&format!("({},)", y.len()), y))];
        write(dir.path(), name, &npz(&arrays))
    };
    let train = set("a.npz", &[0.0, 1.0, 2.0, 3.0], &[7, 8]);
    let part = set("b.npz", &[4.0, 2.0, 1.0, 2.0], &[8, 7]);
    let opened = crate::data::open(train.to_str().unwrap(), &Options::default(), None).unwrap();
    let encoded: Encoded = opened.encode(&[0, 1], Normalize::Standardize).unwrap();
    let (part, _) = read_part(part.to_str().unwrap(), &Options::default(), &encoded, None, None).unwrap();
    // Means 1 and 2, deviations 1.
    assert_eq!(part.values, Values::Floats(vec![3.0, 0.0, 0.0, 0.0]));
    assert_eq!(part.targets.classes().unwrap().0, [1, 0]);
}
