#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::gzip;

/// What a sheet came to: the names, the rows with their lines, and the notes.
#[derive(Debug, PartialEq)]
struct Read {
    header: Vec<String>,
    left_out: Vec<usize>,
    rows: Vec<(usize, Vec<String>)>,
    notes: Vec<String>,
}

impl Read {
    fn fields(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|(_, row)| row.iter().map(String::as_str).collect()).collect()
    }

    fn lines(&self) -> Vec<usize> {
        self.rows.iter().map(|row| row.0).collect()
    }
}

fn read_as(bytes: impl AsRef<[u8]>, format: Format, known: &[&str]) -> Result<Read, DataError> {
    let text = Text::new(Path::new("t.csv"), bytes.as_ref().to_vec(), format, None)?;
    let mut sheet = Sheet::new(&text, format, known, None)?;
    let mut read = || {
        let (mut rows, mut record) = (vec![], StringRecord::new());
        while let Some(line) = sheet.next(&mut record).unwrap() {
            let field = |field: &str| sheet.decimal.with_point(field.trim()).into_owned();
            rows.push((line, record.iter().map(field).collect()));
        }
        sheet.rewind();
        rows
    };
    let rows = read();
    assert_eq!(read(), rows);
    Ok(Read { header: sheet.header, left_out: sheet.left_out, rows, notes: sheet.notes })
}

fn read(bytes: impl AsRef<[u8]>) -> Read {
    read_as(bytes, Format::default(), &[]).unwrap()
}

fn case(name: &str) -> Read {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let text = Text::read(&path, Format::default(), None).unwrap();
    read(text.text)
}

fn refusal(text: &str) -> String {
    read_as(text, Format::default(), &[]).unwrap_err().to_string()
}

/// A table of two numbers and a class as a plain file has it, whose first rows the cases have.
const FIRST: [[&str; 3]; 3] = [["0.1257", "-0.1321", "0"], ["0.6404", "0.1049", "1"], ["-0.5357", "0.3616", "0"]];

#[test]
fn an_unnamed_column_that_counts_rows_is_left_out() {
    let table = case("pandas_index.csv");
    assert_eq!((&table.header[1..], &table.left_out[..]), (&["a", "b", "y"].map(str::to_owned)[..], &[0][..]));
    assert_eq!((table.rows.len(), &table.fields()[0][1..]), (120, &FIRST[0][..]));
    assert_eq!(table.notes, ["column 1 has no name and counts the rows: it is left out"]);
    // As pandas writes it again, and after the rows were mixed.
    for name in ["", "Unnamed: 0"] {
        let table = read(format!("{name},a\n7,1\n3,2\n5,3\n"));
        assert_eq!((&table.header[..], &table.left_out[..]), (&["column_1", "a"].map(str::to_owned)[..], &[0][..]));
    }
}

#[test]
fn other_unnamed_columns_get_a_name() {
    let table = read(",a,,b\nx,1,5,2\ny,2,7,3\nx,3,7,4\n");
    assert_eq!(
        (&table.header[..], table.left_out.len()),
        (&["column_1", "a", "column_3", "b"].map(str::to_owned)[..], 0)
    );
    assert_eq!(table.notes, ["columns 1, 3 have no names: they are named column_1 and so on"]);
    // Row names of R, which have no place in the header.
    let table = read("a,b\n1,5,u\n2,6,v\n3,6,w\n");
    assert_eq!((&table.header[..], &table.left_out[..]), (&["column_1", "a", "b"].map(str::to_owned)[..], &[0][..]));
    assert_eq!(read("a,b\nMazda,5,u\nDatsun,6,v\n").header, ["column_1", "a", "b"]);
}

#[test]
fn a_separator_may_end_every_line_or_some() {
    let table = case("trailing.csv");
    assert_eq!((&table.header[..3], &table.left_out[..]), (&["a", "b", "y"].map(str::to_owned)[..], &[3][..]));
    assert_eq!((table.rows.len(), &table.fields()[1][..3]), (120, &FIRST[1][..]));
    assert_eq!(table.notes, ["column 4 has no name and no values: it is left out"]);
    for text in ["a,b\n1,u,\n2,v,\n", "a,b,\n1,u\n2,v\n", "a,b,\n1,u\n2,v\n"] {
        assert_eq!(
            (read(text).header, read(text).fields()),
            (vec!["a".to_owned(), "b".to_owned()], vec![vec!["1", "u"], vec!["2", "v"]])
        );
    }
    let table = read("a,b\n1,u\n2,v,,\n3,w\n");
    assert_eq!(table.fields()[1], ["2", "v"]);
    assert_eq!(table.notes, ["rows may end in separators with nothing behind them (as line 3 does)"]);
    let table = read("1,5,u,\n2,6,v,\n3,5,u,\n");
    assert_eq!((table.header.len(), &table.left_out[..], table.rows.len()), (4, &[3][..], 3));
}

#[test]
fn tables_without_a_header_are_recognised() {
    let table = case("adult.csv");
    assert_eq!((table.header.len(), table.rows.len(), table.lines()[0]), (12, 60, 1));
    assert_eq!((table.header[0].as_str(), table.header[11].as_str()), ("column_1", "column_12"));
    assert_eq!(table.fields()[0][..4], ["31", "Private", "771", "HS"]);
    let note =
        "there is no header, so the columns are named column_1 to column_12 (`header = true` takes the first row)";
    assert_eq!(table.notes, [note]);
    // What is given decides, and for a model what it needs.
    let rows = |text: &str, header, known: &[&str]| {
        read_as(text, Format { header, ..Format::default() }, known).unwrap().rows.len()
    };
    assert_eq!((rows("x,y\n1,2\n", None, &[]), rows("x,y\n1,2\n", Some(false), &[])), (1, 2));
    assert_eq!((rows("5,1\n1,2\n", None, &[]), rows("5,1\n1,2\n", Some(true), &[])), (2, 1));
    assert_eq!((rows("5,1\n", None, &[]), rows("5,1\n", None, &["column_2"])), (0, 1));
    assert_eq!((rows("x,1\n5,7\n", None, &["1"]), rows("u,v\n", None, &["column_1", "column_2"])), (1, 1));
    assert_eq!(rows("column_1,y\n3,4\n", None, &["column_1"]), 1);
}

#[test]
fn semicolons_and_decimal_commas_are_recognised() {
    let table = case("semi_deccomma.csv");
    assert_eq!(table.header, ["a", "b", "y"]);
    assert_eq!((table.rows.len(), &table.fields()[..3]), (120, &FIRST.map(Vec::from)[..]));
    let notes =
        ["semicolons separate the fields (`separator` decides)", "numbers have a decimal comma (`decimal` decides)"];
    assert_eq!(table.notes, notes);
    let quoted = read("\"a\",\"b\"\n\"0,5\",\"u\"\n\"1.234,5\",\"v\"\n");
    assert_eq!((quoted.fields(), quoted.notes.len()), (vec![vec!["0.5", "u"], vec!["1234.5", "v"]], 1));
    // Where a field is not quoted, commas in numbers are left to whoever reads the column.
    let money = read("a,b\n\"1,000.50\",u\n\"0,5\",v\n");
    assert_eq!((money.fields()[1][0], money.notes.len()), ("0,5", 0));
    // Numbers that thousands could be are fractions only beside semicolons.
    assert_eq!(read("a;b\n1,257;u\n2,5;v\n").fields()[0][0], "1.257");
    assert_eq!(read("a;b\n1,257;u\n2,345;v\n").fields()[0][0], "1.257");
    assert_eq!(read("a\tb\n1,257\tu\n2,345\tv\n").fields()[0][0], "1,257");
    assert_eq!(read("a;b\n1,257;0.5\n2,345;0.25\n").fields()[0][0], "1,257");
    let format = Format { separator: Some(Separator::Comma), decimal: Some(Decimal::Comma), header: None };
    let given = read_as("a,b\n\"1,257\",u;v\n", format, &[]).unwrap();
    assert_eq!((given.fields()[0].clone(), given.notes.len()), (vec!["1.257", "u;v"], 0));
}

#[test]
fn the_first_line_may_name_the_separator() {
    for line in ["sep=;", "\"sep=;\"", "SEP=;"] {
        let table = read(format!("{line}\r\na;b\r\n1,5;2,5\r\n\r\n2;3\r\n"));
        assert_eq!(
            (&table.header[..], table.fields()[0].clone()),
            (&["a", "b"].map(str::to_owned)[..], vec!["1.5", "2.5"])
        );
        assert_eq!(
            (table.lines(), table.notes[0].as_str()),
            (vec![3, 5], "semicolons separate the fields (as its first line says)")
        );
    }
    assert_eq!(read("sep=\\t\na\tb\n1\t2\n").header, ["a", "b"]);
    assert!(refusal("sep=:\na:b\n").contains("no separator \":\""));
    assert_eq!(read("sep=\n1\n2\n").header, ["sep="]);
}

#[test]
fn all_encodings_line_ends_and_packings_are_the_same_table() {
    let text = "a,b,y\n1,Zürich,u\n\n2,Köln,v\n";
    let table = read(text);
    assert_eq!((table.lines(), table.notes.len()), (vec![2, 4], 0));
    let utf_16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for bytes in [&utf_16[..], &latin, format!("\u{feff}{text}").as_bytes()] {
        assert_eq!((&read(bytes).rows, &read(bytes).header), (&table.rows, &table.header));
    }
    for end in ["\r\n", "\r"] {
        assert_eq!(read(text.replace('\n', end)), table);
    }
    assert_eq!(read(&latin).notes, ["the text is not UTF-8 (line 2) and is read as Windows-1252"]);
    let dir = tempfile::tempdir().unwrap();
    let path = crate::data::fixture::write(dir.path(), "t.txt", &[gzip(text.as_bytes()), vec![0; 512]].concat());
    assert_eq!(Text::read(&path, Format::default(), None).unwrap().text, text);
    assert_eq!(case("z.csv.gz").fields()[..3], FIRST.map(Vec::from));
}

#[test]
fn runs_of_blanks_may_separate_numbers() {
    let table = read(
        "  18.0  8  307.0   \"chevrolet malibu\"\n  15.0  8  350.0   \"buick 320\"\n\n  16.0  8  304.0   \"amc rebel\"\n",
    );
    assert_eq!((table.header.len(), table.lines()), (4, vec![1, 2, 4]));
    assert_eq!(table.fields()[2], ["16.0", "8", "304.0", "amc rebel"]);
    assert_eq!(table.notes[0], "blanks separate the fields (`separator` decides)");
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let table = read("x,y,x,x.1,x\n1,2,3,4,5\n");
    assert_eq!(table.header, ["x", "y", "x.2", "x.1", "x.3"]);
    assert_eq!(table.notes, ["columns of one name are told apart: later ones are named \"x.2\", \"x.3\""]);
    let many = vec!["x"; 100_000].join(",");
    assert_eq!(read(format!("{many}\n")).header[99_999], "x.99999");
}

#[test]
fn rows_without_values_and_repeated_headers_are_left_out_and_told() {
    let table = read("a,b\n1,u\n,\na,b\n2,v\n , \n");
    assert_eq!((table.lines(), table.fields()[1].clone()), (vec![2, 5], vec!["2", "v"]));
    let notes =
        ["2 rows have no value and are left out, the first in line 3", "line 4 repeats the header and is left out"];
    assert_eq!(table.notes, notes);
}

#[test]
fn all_faults_are_told_together() {
    assert_eq!(
        refusal("x,y,label\n1,2,a\n1,2\n"),
        "t.csv, line 3: the row has 2 fields where the header has 3: correct that"
    );
    let message = refusal("<<<<<<< HEAD\nx,y\n1,2\n=======\n1,2\n>>>>>>> main\n1\n3,4,5\n");
    for part in [
        "5 lines cannot be read",
        "line 1: git",
        "line 4: git",
        "line 6: git",
        "line 7: the row has 1 field where the header has 2",
        "line 8: the row has 3",
    ] {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
    let many: String = (0..1000).map(|_| "1,2\n1\n").collect();
    let message = refusal(&format!("x,y\n{many}"));
    assert!(
        message.contains("1000 lines") && message.contains("line 11: ") && message.contains("and 995 more"),
        "{message}"
    );
    assert!(message.len() < 500);
    let message = refusal("My table\n\nx,y\n1,2\n3,4\n5,6\n");
    assert!(message.contains("line 1: the header has 1 field where each row below has 2"), "{message}");
    let message = refusal("1,2,a\n4,3,b\n1,2\n3,2,a\n");
    assert!(message.contains("line 3: the row has 2 fields where the first row has 3"), "{message}");
}

#[test]
fn an_open_quotation_mark_is_hinted_at() {
    let message = refusal("x,y\n1,2\n\"3,4\n5,6\n");
    assert!(message.contains("line 3: the row has 1 field where the header has 2 and goes on to line 4"), "{message}");
}
