//! The digits that are carried in the program.

use super::known::DIGITS as ROWS;
use super::opened::{Content, Opened};
use super::targets::Targets;
use flate2::read::GzDecoder;
use std::io::Read;

const SIDE: usize = 8;
const LARGEST: f32 = 16.0;

/// 1,797 lines of 64 pixels (0 to 16, row by row) and the digit, without a header.
static FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/digits.csv.gz"));

/// The UCI Optical Recognition of Handwritten Digits, test part: shape `[1, 8, 8]`, classes "0" to "9".
pub(super) fn load() -> Opened {
    let mut text = String::new();
    GzDecoder::new(FILE).read_to_string(&mut text).expect("the digits in the program are whole");
    let mut values = Vec::with_capacity(ROWS * SIDE * SIDE);
    let mut labels = Vec::with_capacity(ROWS);
    for line in text.lines() {
        values.extend(line.split(',').map(|field| field.parse::<u8>().expect("the digits in the program are bytes")));
        labels.push(u32::from(values.pop().expect("each line of the digits ends with the label")));
    }
    let targets = Targets::Classes { labels, names: (0..10).map(|digit| digit.to_string()).collect() };
    let content = Content::Images { bytes: values, shape: vec![1, SIDE, SIDE], largest: LARGEST };
    Opened::of("digits".to_owned(), targets, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_whole() {
        let digits = load();
        let Content::Images { bytes: values, shape, largest: 16.0 } = digits.content else { panic!("{digits:?}") };
        assert_eq!((digits.targets.rows(), values.len(), shape), (1797, 1797 * 64, vec![1, 8, 8]));
        assert_eq!(values.iter().max(), Some(&16));
        assert_eq!(values[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        // The counts of the digits 0 to 9 in the file of the UCI repository.
        let (labels, _) = digits.targets.classes().expect("digits are classes");
        let counts: Vec<usize> = (0..10).map(|class| labels.iter().filter(|&&label| label == class).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }
}
