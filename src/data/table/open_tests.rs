#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::{gzip, write};
use crate::data::opened::{Content, Opened};
use crate::data::{Normalize, Task};

fn opened_as(text: impl AsRef<[u8]>, options: &Options<'_>) -> Result<Opened, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let raw = open(&write(dir.path(), "points.csv", text.as_ref()), options)?;
    Ok(Opened::of_table("points".to_owned(), raw))
}

fn opened(text: impl AsRef<[u8]>) -> Result<Opened, DataError> {
    opened_as(text, &Options::default())
}

fn refusal(text: impl AsRef<[u8]>) -> DataError {
    opened(text).unwrap_err()
}

/// All rows as those to train on.
fn encoded(text: impl AsRef<[u8]>) -> Dataset {
    let opened = opened(text).unwrap();
    let rows: Vec<u32> = (0..opened.rows() as u32).collect();
    opened.encode(&rows, Normalize::None).unwrap().dataset
}

fn floats(dataset: &Dataset) -> &[f32] {
    let Values::Floats(values) = &dataset.values else { panic!("{dataset:?}") };
    values
}

fn columns_of(opened: Opened) -> Vec<(String, Cells)> {
    let Content::Table { columns, .. } = opened.content else { panic!("{opened:?}") };
    columns.into_iter().map(|column| (column.name, column.cells)).collect()
}

#[test]
fn a_table_opens_plain_packed_and_as_spreadsheets_write_it() {
    let text = "x, y ,Class,note\n1,-2.5,b,\"a, \"\"b\"\"\"\n 3e2 ,.5, a , c\n";
    let dataset = encoded(text);
    assert_eq!(dataset.columns, ["x", "y", "note=a, \"b\"", "note=c"]);
    assert_eq!(floats(&dataset), [1.0, -2.5, 1.0, 0.0, 300.0, 0.5, 0.0, 1.0]);
    assert_eq!((&dataset.shape, dataset.largest, dataset.rows()), (&vec![4], 0.0, 2));
    assert_eq!(dataset.target.as_deref(), Some("Class"));
    let names = ["a", "b"].map(str::to_owned).to_vec();
    assert_eq!(dataset.targets, Targets::Classes { labels: vec![1, 0], names });
    assert_eq!(encoded(gzip(text.as_bytes())), dataset);
    let spreadsheet = format!("\u{feff}{}", text.replace('\n', "\r\n").replace("Class", "\"Class\""));
    assert_eq!(encoded(&spreadsheet), dataset);
    assert_eq!(encoded(text.replace('\n', "\r").trim_end()), dataset);
}

#[test]
fn the_target_is_the_named_the_usual_or_the_last_column() {
    let target = |header: &str, target, ignore: &[String]| {
        let options = Options { target, ignore, ..Options::default() };
        opened_as(format!("{header}\n1,2,3\n2,3,4\n"), &options).map(|opened| opened.target.unwrap())
    };
    assert_eq!(target("label,x,y", Some("x"), &[]).unwrap(), "x");
    assert_eq!(target("x,Label,y", None, &[]).unwrap(), "Label");
    assert_eq!(target("TARGET,x,y", None, &[]).unwrap(), "TARGET");
    assert_eq!(target("label,class,y", None, &[]).unwrap(), "y");
    assert_eq!(target("x,y,z", None, &[]).unwrap(), "z");
    assert_eq!(target("x,y,z", None, &["z".to_owned()]).unwrap(), "y");
    assert_eq!(target("label,class,y", None, &["label".to_owned()]).unwrap(), "class");
    let message = target("x,label,y", Some("lable"), &[]).unwrap_err().to_string();
    assert!(message.contains("\"lable\"; the nearest column name is \"label\""), "{message}");
}

#[test]
fn ignored_columns_are_left_out_whatever_they_hold() {
    let text = "id,x,label\nfirst,1,a\n\"a\nb\",2,b\n3,3,a\n4,4,b\n5,5,b\n";
    let ignore = ["id".to_owned()];
    let opened = |ignore: &[String], target| opened_as(text, &Options { ignore, target, ..Options::default() });
    assert!(matches!(opened(&[], None), Err(DataError::LineBreak { line: 3, .. })));
    assert_eq!(columns_of(opened(&ignore, None).unwrap()).len(), 1);
    let error = opened(&ignore, Some("id")).unwrap_err();
    assert!(matches!(error, DataError::TargetIgnored { .. }), "{error}");
    let message = opened(&["ids".to_owned()], None).unwrap_err().to_string();
    assert!(
        message.contains("\"ids\", which the setting ignore names; the nearest column name is \"id\""),
        "{message}"
    );
    let error = opened(&["id".to_owned(), "x".to_owned()], None).unwrap_err();
    assert!(matches!(error, DataError::NoFeatures { .. }), "{error}");
    let error = opened(&["id".to_owned(), "x".to_owned(), "label".to_owned()], None).unwrap_err();
    assert!(matches!(error, DataError::NoFeatures { .. }), "{error}");
}

#[test]
fn columns_are_numbers_or_texts_and_held_compactly() {
    let text = "n,m,t,u,label\n1,?,red,1,a\n-2,N/A,,two,b\n.5,nan,NULL,red,a\n1e3,7,red,4,b\n";
    let columns = columns_of(opened(text).unwrap());
    let texts = |rows: &[u32], texts: &[&str]| Cells::Texts {
        rows: rows.to_vec(),
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
    };
    assert_eq!(columns[0], ("n".to_owned(), Cells::numbers(vec![1.0, -2.0, 0.5, 1000.0])));
    let Cells::Numbers { values, words, .. } = &columns[1].1 else { panic!("{columns:?}") };
    assert!(values[..3].iter().all(|value| value.is_nan()) && values[3] == 7.0);
    assert_eq!(words.keys().map(String::as_str).collect::<Vec<_>>(), ["?", "N/A", "nan"]);
    // Among texts only an empty field is missing.
    assert_eq!(columns[2].1, texts(&[0, u32::MAX, 1, 0], &["red", "NULL"]));
    // Half numbers are texts still.
    assert_eq!(columns[3].1, texts(&[0, 1, 2, 3], &["1", "two", "red", "4"]));
    // Numbers are texts before, between and after texts, whichever comes first.
    let found = |fields: [&str; 5]| {
        let rows: String = fields.iter().enumerate().map(|(y, field)| format!("{field},{y},{field}\n")).collect();
        let options = Options { target: Some("y"), task: Some(Task::Regression), ..Options::default() };
        columns_of(opened_as(format!("t,y,s\n{rows}"), &options).unwrap())
    };
    for fields in [["1", "", "a", "b", "2"], ["?", "a", "1e99", "b", "a"], ["1e99", "a", "?", "1", "b"]] {
        let columns = found(fields);
        assert_eq!(columns[0].1, columns[1].1, "{fields:?}");
        let Cells::Texts { rows, texts } = &columns[0].1 else { panic!("{columns:?}") };
        let back = rows.iter().map(|&row| texts.get(row as usize).map_or("", String::as_str)).collect::<Vec<_>>();
        assert_eq!(back, fields);
    }
}

#[test]
fn all_words_for_a_missing_field_are_known() {
    for word in ["", "  ", "?", "na", "NA", "n/a", "NaN", "null", "NONE", "None", "-", "--", "-nan", "#N/A"] {
        let columns = columns_of(opened(format!("x,t,label\n1,u,a\n{word},{word},b\n")).unwrap());
        let Cells::Numbers { values, .. } = &columns[0].1 else { panic!("{word:?}") };
        assert!(values[1].is_nan(), "{word:?}");
        let expected = if word.trim().is_empty() { u32::MAX } else { 1 };
        assert!(matches!(&columns[1].1, Cells::Texts { rows, .. } if rows == &[0, expected]), "{word:?}");
    }
    let columns = columns_of(opened("x,t,label\n1,u,a\n1,nothing,b\n").unwrap());
    assert!(matches!(&columns[1].1, Cells::Texts { texts, .. } if texts.len() == 2));
}

#[test]
fn bad_fields_are_named_by_line_and_column() {
    let at = |text: &str| refusal(text).to_string();
    for number in ["inf", "-Infinity", "1e39"] {
        let message = at(&format!("x,label\n1,a\n{number},b\n"));
        assert!(message.contains(&format!("line 3, column \"x\": \"{number}\" is not a finite")), "{message}");
    }
    assert!(at("x,label\n1,a\n1,\n").contains("line 3, column \"label\": the field is empty"));
    assert!(at("x,label\n1,1\n1,NA\n").contains("line 3, column \"label\": \"NA\" stands for a missing value"));
    let message = at("x,label\n1,\"a\n2,b\n3,c\n");
    assert!(message.contains("line 2, column \"label\"") && message.contains("quotation mark"), "{message}");
    let message = at("x,t,label\n1,\"a\n2,b\",c\n3,b,d\n");
    assert!(message.contains("line 2, column \"t\"") && message.contains("quotation mark"), "{message}");
}

#[test]
fn lines_are_counted_over_blank_lines_and_all_line_ends() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "x,label\n1,a\n\n\n2,b\n\"3\n\",c\ninf,d\n".replace('\n', end);
        let fault = refusal(&text);
        assert!(matches!(fault, DataError::NotFinite { line: 8, .. }), "{end:?} {fault}");
        let text = "x,label\n1,a\n\n2,b,c\n".replace('\n', end);
        assert!(refusal(&text).to_string().contains("line 4: the row has 3 fields"), "{end:?}");
        let text = "x,y,label\n\n1,2,7\n\n3,4,?".replace('\n', end);
        assert!(refusal(&text).to_string().contains("line 5, column \"label\": \"?\" stands for"), "{end:?}");
    }
}

#[test]
fn bad_headers_are_refused() {
    assert!(matches!(refusal(""), DataError::NoHeader { .. }));
    assert!(matches!(refusal("\n\n"), DataError::NoHeader { .. }));
    assert!(matches!(refusal("label\na\nb\n"), DataError::OneColumn { .. }));
    assert!(matches!(refusal(",label\n0,a\n1,b\n"), DataError::OneColumn { column, .. } if column == "label"));
    let options = Options { target: Some("column_1"), ..Options::default() };
    assert_eq!(opened_as(",x,y\n0,5,6\n1,7,8\n", &options).unwrap().target.as_deref(), Some("column_1"));
    assert_eq!(encoded("0,1,2,label\n5,6,7,a\n8,9,10,b\n").columns, ["0", "1", "2"]);
    assert_eq!(encoded("880,900.5,label\n5,6,a\n8,9,b\n").columns, ["880", "900.5"]);
}

#[test]
fn too_little_data_is_refused() {
    assert!(matches!(refusal("x,label\n"), DataError::NoRows { .. }));
    let message = refusal("x,label\n1,a\n2, a\n").to_string();
    assert!(message.contains("every row has the class \"a\""), "{message}");
}

#[test]
fn broken_gzip_is_refused() {
    let packed = gzip(b"x,label\n1,a\n2,b\n");
    assert!(matches!(refusal(&packed[..packed.len() - 2]), DataError::GzipTruncated { .. }));
}

/// One column of each kind: `a` is 2 where it is missing, `b` has no missing one, `t` knows "u" and "v".
fn encoding() -> Encoding {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let (values, notation) = (vec!["u".to_owned(), "v".to_owned()], Notation::default);
    let text = column("t", Kind::Text { values, missing: false, missing_words: vec![] });
    let imputed = column("a", Kind::Imputed { mean: 2.0, notation: notation() });
    Encoding { columns: vec![imputed, column("b", Kind::Number { mean: 5.0, notation: notation() }), text] }
}

fn features(text: &str) -> Result<Table, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let known = Trained { encoding: &encoding(), normalize: &Affine::none(5), dialect: None };
    read_features(&write(dir.path(), "rows.csv", text.as_bytes()), Format::default(), known, false)
}

#[test]
fn features_are_found_by_name() {
    let table = features("name,t,b,label,a\nfirst,v,1,,2\nsecond,u,3,w,?\n").unwrap();
    assert_eq!(table.values, [2.0, 0.0, 1.0, 0.0, 1.0, 2.0, 1.0, 3.0, 1.0, 0.0]);
    assert_eq!((table.rows, table.notes), (2, vec![]));
    let message = features("a,bb,t\n1,2,u\n").unwrap_err().to_string();
    assert!(message.contains("column \"b\", which") && message.contains("name is \"bb\""), "{message}");
    let table = features("a,a,b,t\n1,2,3,u\n").unwrap();
    assert_eq!((&table.values[..], table.notes.len()), (&[1.0, 0.0, 3.0, 1.0, 0.0][..], 1));
    assert!(matches!(features("a,b,t\n"), Err(DataError::NoRows { .. })));
    assert!(matches!(features("a,b,t\n1,2,u\n3\n"), Err(DataError::Faults { count: 1, .. })));
}

#[test]
fn what_training_did_not_have_is_filled_in_and_told() {
    let table = features("a,b,t\n1,,w\n1,NA,\n1,1,u\n1,1,x\n").unwrap();
    let row = |b: f32, u: f32| [1.0, 0.0, b, u, 0.0];
    assert_eq!(table.values, [row(5.0, 0.0), row(5.0, 0.0), row(1.0, 1.0), row(1.0, 0.0)].concat());
    assert_eq!(
        table.notes,
        [
            "missing numbers become the mean of the training rows, which lack none: b (2 rows)",
            "texts that no training row has become zeros: t (3 rows, first \"w\")"
        ]
    );
    // What was trained on as numbers must be numbers, however many are not.
    let message = features("a,b,t\nred,1,u\nblue,2,u\n").unwrap_err().to_string();
    assert!(message.contains("line 2, column \"a\": there is \"red\""), "{message}");
    assert!(matches!(features("a,b,t\n1,inf,u\n"), Err(DataError::NotFinite { line: 2, .. })));
    // A number is a text where texts are wanted.
    assert_eq!(features("a,b,t\n1,1,1e99\n").unwrap().notes.len(), 1);
}

#[test]
fn labelled_rows_need_only_the_columns_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "rows.csv", b"note,b,kind,a,t,y,z\nfirst,1,u,2,u,0.5,1\nsecond,,u,4,v,-3,0\n");
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let read = |target: &str, like: &Targets| {
        let trained = Trained { encoding: &encoding(), normalize: &Affine::none(5), dialect: None };
        read_labelled(&path, Format::default(), trained, target, like)
    };
    let classes = Targets::Classes { labels: vec![], names: names(&["u", "v"]) };
    let (dataset, notes) = read("kind", &classes).unwrap();
    assert_eq!(floats(&dataset), [2.0, 0.0, 1.0, 1.0, 0.0, 4.0, 0.0, 5.0, 0.0, 1.0]);
    assert_eq!(dataset.targets, Targets::Classes { labels: vec![0, 0], names: names(&["u"]) });
    assert_eq!((dataset.columns, dataset.shape), (encoding().features(), vec![5]));
    assert_eq!((dataset.name.as_str(), dataset.target.as_deref(), notes.len()), ("rows.csv", Some("kind"), 1));
    assert!(read("kin", &classes).unwrap_err().to_string().contains("kind"));
    let numbers = Targets::Numbers { values: vec![], names: names(&["p", "q"]) };
    let (dataset, _) = read("y, z", &numbers).unwrap();
    assert_eq!(dataset.targets, Targets::Numbers { values: vec![0.5, 1.0, -3.0, 0.0], names: names(&["y", "z"]) });
    // Columns of the model's own names stand in its order, however they are named here.
    let known = Targets::Numbers { values: vec![], names: names(&["y", "z"]) };
    assert_eq!(read("z,y", &known).unwrap().0.targets, dataset.targets);
    let labels = Targets::Labels { values: vec![], names: names(&["z"]) };
    assert_eq!(read("z", &labels).unwrap().0.targets, Targets::Labels { values: vec![1.0, 0.0], names: names(&["z"]) });
    let error = read("y", &labels).unwrap_err();
    assert!(matches!(error, DataError::NotLabel { line: 2, .. }), "{error}");
    let message = read("y", &numbers).unwrap_err().to_string();
    assert!(message.contains("1 target columns (\"y\")") && message.contains("2, \"p\", \"q\""), "{message}");
    assert!(matches!(read("y,z", &classes), Err(DataError::TargetCount { found: 2, .. })));
    assert!(matches!(read("note", &numbers), Err(DataError::TargetCount { .. })));
}
