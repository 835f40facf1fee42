//! Data that cannot be trained on: one sentence that names the file and the place, and no run folder.

use super::place::{LAYERS, Place, gzip, idx, idx_folder, images, table, trained};

fn train(data: &str) -> String {
    format!("train {data} --device cpu --batch 4 --epochs 1 {LAYERS} --out run")
}

#[test]
fn what_is_not_there_is_named() {
    let place = Place::new();
    place.refused(&train("nosuch.csv"), &["nosuch.csv"]);
    place.refused(&train("no/such/folder"), &["no/such/folder"]);
    place.refused(&train("iris"), &["iris", "digits", "mnist"]);
    place.refused(&train("mnist"), &["WGRAD_DATA"]);
    place.write("notes.txt", "text");
    place.refused(&train("notes.txt"), &["notes.txt", "\"text\" is the only column"]);
    place.write("empty/notes.txt", "text");
    place.refused(&train("empty"), &["empty", "train-images-idx3-ubyte"]);
}

#[test]
fn broken_idx_files_are_refused() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    let file = "shapes/train-images-idx3-ubyte";
    let (pixels, _) = images(60);
    let whole = idx(2051, &[60, 4, 4], &pixels);
    let wrong: [(Vec<u8>, &[&str]); 6] = [
        (idx(2049, &[60, 4, 4], &pixels), &["2049", "2051"]),
        (whole[..whole.len() - 1].to_vec(), &["960", "959"]),
        (whole[..7].to_vec(), &["7 bytes", "header"]),
        (idx(2051, &[1 << 20, 1 << 20, 1 << 20], &pixels), &["1152921504606846976"]),
        (idx(2051, &[u32::MAX; 3], &pixels), &["promises"]),
        (vec![], &["0 bytes"]),
    ];
    for (bytes, names) in wrong {
        place.write(file, bytes);
        place.refused(&train("shapes"), &[&["train-images-idx3-ubyte"], names].concat());
    }
    std::fs::remove_file(place.path(file)).unwrap();
    place.refused(&train("shapes"), &["train-images-idx3-ubyte"]);
    let packed = gzip(&whole);
    place.write(&format!("{file}.gz"), &packed[..packed.len() / 2]);
    place.refused(&train("shapes"), &["train-images-idx3-ubyte.gz", "cut short"]);
    place.write(&format!("{file}.gz"), packed);
    place.write("shapes/train-labels-idx1-ubyte", idx(2049, &[59], &[0; 59]));
    place.refused(&train("shapes"), &["60", "59"]);
}

#[test]
fn broken_tables_are_refused() {
    let place = Place::new();
    // Of 60 rows 42 are trained on.
    let lines = (0..60).map(|row| format!("w{row},{}\n", if row % 2 == 0 { 'a' } else { 'b' }));
    let free: String = std::iter::once("x,label\n".to_owned()).chain(lines).collect();
    let wrong: [(&[u8], &[&str]); 17] = [
        (b"x,label\n1,a\n2,b,c\n", &["line 3", "3 fields", "2"]),
        (b"x,label\n1,a\ninf,b\n", &["line 3", "\"x\""]),
        (b"x,label\n1,a\n1e39,b\n", &["line 3", "\"x\"", "1e39"]),
        (b"x,label\n1,a\n1,\n", &["line 3", "\"label\"", "empty"]),
        (b"x,label\n1,1\n1,NA\n", &["line 3", "\"label\"", "\"NA\" stands for a missing value"]),
        (b"x,label\n1,3.5\n2,3.5\n", &["\"label\"", "3.5 in every row"]),
        (b"x,label\n,a\n,b\n", &["no column is left", "x (no value in the rows to train on)"]),
        (free.as_bytes(), &["no column is left", "x (38 different texts in 38 rows)", "categorical"]),
        (b"x,label\n1,0.5\n2,inf\n", &["line 3", "\"label\"", "\"inf\""]),
        (b"label,x\na,\"1\nb,2\n", &["line 2", "\"x\"", "quotation mark"]),
        (b"x,label\n", &["no rows"]),
        (b"x,label\n1,a\n2,a\n", &["\"a\"", "two classes"]),
        (b"", &["empty"]),
        (b"x,label\n1,a\n2,\0\n", &["line 3", "no text"]),
        (b"PK\x03\x04\0\0", &["zip archive", "as CSV"]),
        (b"label\na\nb\n", &["\"label\" is the only column", "--separator"]),
        (b"x,label\n1\n<<<<<<< HEAD\n2,b,c\n", &["3 lines", "line 2: the row has 1 field", "line 3: git", "line 4"]),
    ];
    for (bytes, names) in wrong {
        place.write("points.csv", bytes);
        place.refused(&train("points.csv"), &[&["points.csv"], names].concat());
    }
    place.write("points.csv", table(20));
    place.refused(&train("points.csv --target lable"), &["\"lable\"", "\"label\""]);
    place.refused(&train("points.csv --ignore z"), &["\"z\"", "ignore", "\"x\""]);
    place.refused(&train("points.csv --target x,y,label"), &["\"label\"", "no column is left"]);
    place.refused(&train("points.csv --task regression"), &["line 2", "\"label\"", "number"]);
    place.refused(&train("digits --target label"), &["\"label\"", "digits"]);
    place.refused(&train("digits --task regression"), &["digits", "classes"]);
    let packed = gzip(table(20).as_bytes());
    place.write("cut.csv.gz", &packed[..packed.len() - 9]);
    place.refused(&train("cut.csv.gz"), &["cut.csv.gz", "cut short"]);
    place.write("tail.csv.gz", [&packed[..], b"more"].concat());
    place.refused(&train("tail.csv.gz"), &["tail.csv.gz", "other bytes follow"]);
    place.write("zeros.csv.gz", gzip(&vec![b'0'; 80 << 20]));
    place.refused(&train("zeros.csv.gz"), &["zeros.csv.gz", "67108864 bytes", "200 times"]);
}

/// Rows with a missing number here and there, a column of texts, and one that says nothing.
#[test]
fn missing_fields_and_texts_are_filled_in_and_told() {
    let place = Place::new();
    let row = |i: usize| {
        let colour = ["red", "green", "blue", "NA"][i / 2 % 4];
        let width = if i.is_multiple_of(5) { "?".to_owned() } else { i.to_string() };
        format!("name {i},{width},{colour},{}\n", ["a", "b"][i % 2])
    };
    place.write(
        "rows.csv",
        std::iter::once("id,width,colour,label\n".to_owned()).chain((0..80).map(row)).collect::<String>(),
    );
    let out = place.done(&format!("{} --ignore id", train("rows.csv")));
    for told in [
        "80 rows of 6, 2 classes",
        "a feature says where: width (16 rows)",
        "words among numbers count as missing: width (16 rows: \"?\")",
        "for each value: colour (4 values)",
    ] {
        assert!(out.contains(told), "no {told:?} in {out}");
    }
    assert!(place.text("run/recipe.toml").contains("ignore = [\"id\"]"));
    let model = "run/model.safetensors --device cpu";
    assert!(place.done(&format!("eval {model} rows.csv")).contains("80 rows"));
    place.write("new.csv", "colour,width\nred,\nviolet,3\n,4\n");
    let ran = place.run(&format!("predict {model} new.csv"));
    assert!(ran.code == Some(0) && ran.out.lines().count() == 3, "{ran:?}");
    let told = "new.csv: texts that no training row has become zeros: colour (2 rows, first \"violet\")";
    assert!(ran.err.contains(told), "{ran:?}");
    assert!(!ran.err.contains("width"), "{ran:?}");
    place.write("words.csv", "colour,width\nred,wide\n");
    place.refused(&format!("predict {model} words.csv"), &["words.csv, line 2", "\"width\"", "\"wide\""]);
}

#[test]
fn eval_and_predict_refuse_data_that_do_not_fit_the_model() {
    let place = Place::new();
    place.write("points.csv", table(60));
    idx_folder(&place, "shapes", false);
    let points = trained(&place, "points.csv", "run-points");
    let shapes = trained(&place, "shapes", "run-shapes");
    place.write("other.csv", "x,z,label\n1,2,over\n2,1,under\n");
    place.write("classes.csv", "x,y,label\n1,2,over\n2,1,beside\n");
    place.write("words.csv", "x,y\n1,2\n1,two\n");
    place.write("large", idx(2051, &[1, 5, 4], &[0; 20]));
    place.write("notes.txt", "no picture");
    place.write("cut.png", &png(4)[..40]);
    for (line, names) in [
        (format!("eval {points} other.csv"), ["other.csv", "\"y\""]),
        (format!("eval {points} classes.csv"), ["\"beside\"", "\"over\""]),
        (format!("eval {points} digits"), ["digits holds images", "table"]),
        (format!("eval {shapes} points.csv"), ["points.csv", "class"]),
        (format!("eval {shapes} digits"), ["digits", "class \"3\""]),
        (format!("eval {points} nosuch.csv"), ["nosuch.csv", "no such"]),
        (format!("predict {points} words.csv"), ["words.csv, line 3", "\"two\""]),
        (format!("predict {points} other.csv"), ["other.csv", "\"y\""]),
        (format!("predict {points} cut.png"), ["cut.png", "rows of a table"]),
        (format!("predict {shapes} points.csv"), ["points.csv", "takes images"]),
        (format!("predict {shapes} large"), ["large has images of 1x5x4", "1x4x4"]),
        (format!("predict {shapes} notes.txt"), ["notes.txt", "picture"]),
        (format!("predict {shapes} cut.png"), ["cut.png", "picture"]),
        (format!("predict {shapes} nosuch.png"), ["nosuch.png", "no such"]),
        (format!("predict {shapes} shapes"), ["shapes", "read"]),
    ] {
        place.refused(&format!("{line} --device cpu"), &names);
    }
    // Rows of another size, whose classes are known.
    idx_folder(&place, "wide", false);
    for (part, count) in [("train", 60), ("t10k", 15)] {
        let bytes = idx(2051, &[count, 4, 5], &vec![1; count as usize * 20]);
        place.write(&format!("wide/{part}-images-idx3-ubyte"), bytes);
    }
    place.refused(&format!("eval {shapes} wide --device cpu"), &["wide has rows of 1x4x5", "1x4x4"]);
}

fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(vec![]);
    image::GrayImage::new(side, side).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
