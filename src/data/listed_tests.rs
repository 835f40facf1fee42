#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::data::fixture::write;
use crate::data::{DataError, Encoded, Normalize, Opened, Options, PictureOptions, Targets, Values};
use crate::data::{open, read_part};
use image::{GrayImage, Luma};
use std::path::Path;

/// A folder with six pictures of 3x2 pixels, each of one value: `p/0.png` to `p/5.png`.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("p")).unwrap();
    for value in 0..6 {
        GrayImage::from_pixel(3, 2, Luma([value])).save(dir.path().join(format!("p/{value}.png"))).unwrap();
    }
    dir
}

fn opened(folder: &Path, text: &str, options: Options<'_>) -> Result<Opened, DataError> {
    let table = write(folder, "labels.csv", text.as_bytes());
    open(table.to_str().unwrap(), &Options { image: options.image.or(Some("path")), ..options }, None)
}

/// The value of each picture and the shape of all.
fn seen(opened: &Opened) -> (Vec<u8>, Vec<usize>) {
    let Encoded { dataset, .. } = opened.clone().encode(&[], Normalize::None).unwrap();
    let features = dataset.features();
    let Values::Bytes(bytes) = dataset.values else { panic!("pictures are bytes") };
    (bytes.chunks(features).map(|row| row[0]).collect(), dataset.shape)
}

#[test]
fn pictures_have_the_classes_of_their_rows() {
    let dir = folder();
    let absolute = dir.path().join("p/5.png");
    let text = format!("id,path,breed\n7,p/2.png,pug\n8,{},beagle\n9,p/0.png,pug\n", absolute.display());
    let set = opened(dir.path(), &text, Options { target: Some("breed"), ..Options::default() }).unwrap();
    assert_eq!(seen(&set), (vec![2, 5, 0], vec![1, 2, 3]));
    assert_eq!(set.targets, Targets::of_names(&["pug", "beagle", "pug"]));
    assert_eq!((set.name.as_str(), set.target.as_deref(), set.is_image()), ("labels.csv", Some("breed"), true));
    let notes = set.notes.join("\n");
    assert!(notes.contains("not read, for the features are pictures: id"), "{notes}");
    // The last column is that of the pictures, so another is the target.
    let set = opened(dir.path(), "breed,path\na,p/1.png\nb,p/2.png\n", Options::default()).unwrap();
    assert_eq!((set.target.as_deref(), seen(&set).0), (Some("breed"), vec![1, 2]));
}

#[test]
fn several_labels_and_numbers_are_learnt_as_of_tables() {
    let dir = folder();
    let text = "path,red,round\np/1.png,0,1\np/2.png,1,1\np/3.png,0,0\n";
    let set = opened(dir.path(), text, Options { target: Some("red,round"), ..Options::default() }).unwrap();
    let flags = [false, true, true, true, false, false];
    assert_eq!(set.targets, Targets::of_flags(&flags, &["red", "round"]));
    let text = "path,age\np/1.png,0.5\np/2.png,1.5\np/3.png,2\n";
    let set = opened(dir.path(), text, Options { target: Some("age"), ..Options::default() }).unwrap();
    assert_eq!(set.targets, Targets::of_numbers(&[0.5, 1.5, 2.0], &["age"]));
    assert_eq!(seen(&set).0, [1, 2, 3]);
}

#[test]
fn a_picture_that_is_not_there_is_named_with_its_line_or_left_out() {
    let dir = folder();
    let text = "path,y\np/1.png,a\nno/such.png,b\np/2.png,b\n";
    let message = opened(dir.path(), text, Options::default()).unwrap_err().to_string();
    let wanted = ["labels.csv, line 3, column \"path\": ", "no/such.png: there is no such file"];
    assert!(wanted.iter().all(|what| message.contains(what)), "{message}");
    let pictures = PictureOptions { skip_broken: true, ..PictureOptions::default() };
    let set = opened(dir.path(), text, Options { pictures, ..Options::default() }).unwrap();
    assert_eq!((seen(&set).0, set.targets), (vec![1, 2], Targets::of_names(&["a", "b"])));
    assert!(set.notes.join("\n").contains("1 of 3 pictures cannot be read"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = folder();
    let text = "path,y,z\np/1.png,a,1\np/2.png,b,2\n";
    let refusal = |options| opened(dir.path(), text, options).unwrap_err().to_string();
    let (columns, options) = (["z".to_owned()], Options::default());
    for (options, what) in [
        (Options { image: Some("paht"), ..options }, "no column \"paht\", which the setting image names"),
        (Options { target: Some("y,path"), ..options }, "image and target both name the column \"path\""),
        (Options { numeric: &columns, ..options }, "the setting numeric was given"),
        (Options { group: Some("z"), ..options }, "the setting group was given"),
    ] {
        let message = refusal(options);
        assert!(message.contains(what), "{message}, not {what}");
    }
    let message = opened(dir.path(), "path,y\n,a\np/2.png,b\n", options).unwrap_err().to_string();
    assert!(message.contains("line 2, column \"path\": the field is empty"), "{message}");
    let message = opened(dir.path(), "path,y\np/1.png,a\np/2.png,a\n", options).unwrap_err().to_string();
    assert!(message.contains("at least two classes"), "{message}");
    let message = open("digits", &Options { image: Some("path"), ..options }, None).unwrap_err().to_string();
    assert!(message.contains("only tables have columns"), "{message}");
}

#[test]
fn another_table_validates() {
    let dir = folder();
    let set = opened(dir.path(), "path,y\np/1.png,a\np/2.png,b\n", Options::default()).unwrap();
    let encoded = set.encode(&[0, 1], Normalize::Scale).unwrap();
    let read = |text: &str| {
        let part = write(dir.path(), "part.csv", text.as_bytes());
        let options = Options { image: Some("path"), ..Options::default() };
        read_part(part.to_str().unwrap(), &options, &encoded, None, None)
    };
    let (part, _) = read("y,path\nb,p/4.png\n").unwrap();
    assert_eq!((part.values, part.targets.names()), (Values::Bytes(vec![4; 6]), &["b".to_owned()][..]));
    let message = read("y,path\nb,p/9.png\n").unwrap_err().to_string();
    assert!(message.contains("part.csv, line 2, column \"path\""), "{message}");
}
