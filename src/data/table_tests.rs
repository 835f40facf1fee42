#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::{gzip, write};

fn opened(text: impl AsRef<[u8]>, target: Option<&str>) -> Result<Dataset, DataError> {
    let dir = tempfile::tempdir().unwrap();
    open("points".to_owned(), &write(dir.path(), "points.csv", text.as_ref()), target)
}

fn refusal(text: impl AsRef<[u8]>) -> DataError {
    opened(text, None).unwrap_err()
}

fn features(text: &str, columns: &[&str]) -> Result<Table, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    read_features(&write(dir.path(), "rows.csv", text.as_bytes()), &columns)
}

#[test]
fn a_table_opens_plain_packed_and_as_spreadsheets_write_it() {
    let text = "x, y ,kind\n1,-2.5,b\n 3e2 ,.5, a \n";
    let dataset = opened(text, None).unwrap();
    assert_eq!(dataset.values, Values::Floats(vec![1.0, -2.5, 300.0, 0.5]));
    assert_eq!((&dataset.shape, dataset.largest), (&vec![2], 0.0));
    assert_eq!(dataset.columns, ["x", "y"]);
    assert_eq!(dataset.target.as_deref(), Some("kind"));
    assert_eq!((&dataset.labels, &dataset.classes), (&vec![1, 0], &vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(opened(gzip(text.as_bytes()), None).unwrap(), dataset);
    let spreadsheet = format!("\u{feff}{}", text.replace('\n', "\r\n").replace("kind", "\"kind\""));
    assert_eq!(opened(spreadsheet, None).unwrap(), dataset);
}

#[test]
fn the_target_is_the_named_the_usual_or_the_last_column() {
    let target =
        |header: &str, name| opened(format!("{header}\n1,2,3\n2,3,4\n"), name).map(|dataset| dataset.target.unwrap());
    assert_eq!(target("label,x,y", Some("x")).unwrap(), "x");
    assert_eq!(target("x,Label,y", None).unwrap(), "Label");
    assert_eq!(target("TARGET,x,y", None).unwrap(), "TARGET");
    assert_eq!(target("label,class,y", None).unwrap(), "y");
    assert_eq!(target("x,y,z", None).unwrap(), "z");
    let message = target("x,label,y", Some("lable")).unwrap_err().to_string();
    assert!(message.contains("\"lable\"; the nearest column names are \"label\""), "{message}");
}

#[test]
fn numbers_as_classes_sort_by_value() {
    let dataset = opened("x,label\n1,10\n2,9\n3,10\n", None).unwrap();
    assert_eq!((dataset.classes, dataset.labels), (vec!["9".to_owned(), "10".to_owned()], vec![1, 0, 1]));
}

#[test]
fn bad_fields_are_named_by_line_and_column() {
    let at = |text: &str| refusal(text).to_string();
    let message = at("x,y,label\n1,2,a\n3,red,b\n");
    assert!(message.contains("points.csv, line 3, column \"y\": there is \"red\""), "{message}");
    let message = at(&format!("x,label\n{},a\n", "w".repeat(100)));
    assert!(message.contains(&format!("\"{}...\"", "w".repeat(40))), "{message}");
    for number in ["nan", "inf", "-Infinity", "1e39"] {
        let message = at(&format!("x,label\n1,a\n{number},b\n"));
        assert!(message.contains(&format!("line 3, column \"x\": \"{number}\" is not a finite")), "{message}");
    }
    for empty in ["x,y,label\n1,2,a\n1,,b\n", "x,y,label\n1,2,a\n1,  ,b\n"] {
        assert!(at(empty).contains("line 3, column \"y\": the field is empty"), "{empty}");
    }
    assert!(at("x,label\n1,a\n1,\n").contains("line 3, column \"label\": the field is empty"));
    let message = at("x,label\n1,\"a\n2,b\n3,c\n");
    assert!(message.contains("line 2, column \"label\"") && message.contains("quotation mark"), "{message}");
}

#[test]
fn lines_are_counted_over_blank_lines_and_all_line_ends() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "x,label\n1,a\n\n\n2,b\n\"3\n\",c\nred,d\n".replace('\n', end);
        assert!(matches!(refusal(&text), DataError::NotNumber { line: 8, .. }), "{end:?}");
        let text = "x,label\n1,a\n\n2,b,c\n".replace('\n', end);
        assert!(matches!(refusal(&text), DataError::Ragged { line: 4, .. }), "{end:?}");
        let text = "x,y,label\n\n1,2,a\n3,4,b".replace('\n', end);
        assert_eq!(features(&text, &["y"]).unwrap().lines, [3, 4], "{end:?}");
    }
}

#[test]
fn ragged_rows_are_refused() {
    let message = refusal("x,y,label\n1,2,a\n1,2\n").to_string();
    assert!(message.contains("line 3: the row has 2 fields where the header has 3"), "{message}");
    assert!(matches!(refusal("x,label\n1,a,b\n"), DataError::Ragged { line: 2, found: 3, expected: 2, .. }));
}

#[test]
fn bad_headers_are_refused() {
    assert!(matches!(refusal(""), DataError::NoHeader { .. }));
    assert!(matches!(refusal("\n\n"), DataError::NoHeader { .. }));
    assert!(matches!(refusal("x,y,x,label\n1,2,3,a\n"), DataError::DuplicateColumn { column, .. } if column == "x"));
    assert!(matches!(refusal(",x,label\n1,2,a\n"), DataError::UnnamedColumn { number: 1, .. }));
    assert!(matches!(refusal("x;y;label\n1;2;a\n"), DataError::OneColumn { .. }));
    for data in ["5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n", "1,0,1\n0,1,0\n"] {
        assert!(matches!(refusal(data), DataError::NumbersAsHeader { .. }), "{data}");
    }
    assert_eq!(opened("0,1,2,label\n5,6,7,a\n8,9,10,b\n", None).unwrap().columns, ["0", "1", "2"]);
    assert_eq!(opened("880,900.5,label\n5,6,a\n8,9,b\n", None).unwrap().columns, ["880", "900.5"]);
}

#[test]
fn too_little_data_is_refused() {
    assert!(matches!(refusal("x,label\n"), DataError::NoRows { .. }));
    assert!(matches!(refusal("x,label\n1,a\n2, a\n"), DataError::OneClass { class, .. } if class == "a"));
}

#[test]
fn other_encodings_and_broken_gzip_are_refused() {
    assert!(matches!(refusal(b"x,label\r\n1,a\r\n2,caf\xe9\r\n"), DataError::NotUtf8 { line: 3, .. }));
    let packed = gzip(b"x,label\n1,a\n2,b\n");
    assert!(matches!(refusal(&packed[..packed.len() - 2]), DataError::GzipTruncated { .. }));
}

#[test]
fn features_are_found_by_name() {
    let text = "name,b,label,a\nfirst,1,,2\nsecond,3,u,4\n";
    let table = features(text, &["a", "b"]).unwrap();
    assert_eq!((&table.values, table.rows, &table.lines), (&vec![2.0, 1.0, 4.0, 3.0], 2, &vec![2, 3]));
    assert_eq!(table.columns, ["a", "b"]);
    let message = features("width,b\n1,2\n", &["b", "widht"]).unwrap_err().to_string();
    assert!(message.contains("column \"widht\", which") && message.contains("names are \"width\""), "{message}");
    assert!(matches!(features("a,a\n1,2\n", &["a"]), Err(DataError::DuplicateColumn { .. })));
    assert!(matches!(features("a,b\n", &["a"]), Err(DataError::NoRows { .. })));
    assert!(matches!(features("a,b\n1,2\n3\n", &["a"]), Err(DataError::Ragged { line: 3, .. })));
    assert!(matches!(features("a,b\n1,2\n,2\n", &["a"]), Err(DataError::EmptyField { line: 3, .. })));
}

#[test]
fn labelled_rows_need_only_the_columns_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "rows.csv", b"note,b,kind,a\nfirst,1,u,2\nsecond,3,u,4\n");
    let columns = ["a".to_owned(), "b".to_owned()];
    let dataset = read_labelled(&path, &columns, "kind").unwrap();
    assert_eq!(dataset.values, Values::Floats(vec![2.0, 1.0, 4.0, 3.0]));
    assert_eq!((&dataset.labels, &dataset.classes), (&vec![0, 0], &vec!["u".to_owned()]));
    assert!(read_labelled(&path, &columns, "kin").unwrap_err().to_string().contains("kind"));
}
