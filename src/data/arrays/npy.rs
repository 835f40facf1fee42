//! The NPY format of NumPy: a header that is a dictionary of Python, and then the items, in C or Fortran order.

use crate::data::DataError;
use crate::data::arrays_error::ArraysError;
use std::path::Path;

/// What the file begins with.
const MAGIC: &[u8] = b"\x93NUMPY";

/// How one item is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Whole numbers of 1 to 8 bytes, and false and true, which are 0 and 1.
    Unsigned,
    /// Whole numbers in two's complement.
    Signed,
    /// Floating point numbers of 2, 4 or 8 bytes.
    Float,
    /// Bytes of text, filled up with zeros.
    Bytes,
    /// Unicode characters of 4 bytes each, filled up with zeros.
    Unicode,
}

/// An array: its header, and its items as they stand in the file.
#[derive(Debug)]
pub(super) struct Array {
    /// What it is called, without the ending of a file.
    pub(super) name: String,
    /// The number of items along each axis; at least one axis, and at least one item.
    pub(super) shape: Vec<usize>,
    pub(super) item: Item,
    /// Bytes of an item.
    pub(super) size: usize,
    big_endian: bool,
    fortran: bool,
    /// The items alone, without the header.
    bytes: Vec<u8>,
}

impl Array {
    /// Reads the header of an array, and holds it against the bytes that there are.
    pub(super) fn read(path: &Path, name: &str, mut bytes: Vec<u8>) -> Result<Self, DataError> {
        let wrong = |reason| ArraysError::Header { path: path.to_owned(), array: name.to_owned(), reason };
        let (start, text) = header(&bytes).map_err(wrong)?;
        let descr = value(text, "descr").ok_or_else(|| wrong("it says no type"))?;
        let fortran = match value(text, "fortran_order") {
            Some(order) if order.starts_with("True") => true,
            Some(order) if order.starts_with("False") => false,
            _ => return Err(wrong("it says no order").into()),
        };
        let shape = value(text, "shape").and_then(sizes).ok_or_else(|| wrong("it says no shape"))?;
        let (big_endian, item, size) = item(path, name, descr)?;
        let array = || name.to_owned();
        let items = shape.iter().map(|&size| size as u128).try_fold(1_u128, u128::checked_mul);
        let expected = items.and_then(|items| items.checked_mul(size as u128)).unwrap_or(u128::MAX);
        if expected == 0 || shape.is_empty() {
            return Err(ArraysError::Empty { path: path.to_owned(), array: array(), shape }.into());
        }
        let found = bytes.len() - start;
        if found as u128 != expected {
            return Err(ArraysError::Length { path: path.to_owned(), array: array(), found, expected }.into());
        }
        bytes.drain(..start);
        Ok(Self { name: array(), shape, item, size, big_endian, fortran, bytes })
    }

    /// Whether the items are texts.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.item, Item::Bytes | Item::Unicode)
    }

    /// The places of all items, where the axes are walked in this order, the last one fastest.
    pub(super) fn walk(&self, axes: &[usize]) -> Walk {
        let mut strides = vec![1; self.shape.len()];
        if self.fortran {
            (1..self.shape.len()).for_each(|axis| strides[axis] = strides[axis - 1] * self.shape[axis - 1]);
        } else {
            (1..self.shape.len()).rev().for_each(|axis| strides[axis - 1] = strides[axis] * self.shape[axis]);
        }
        let of_axes = |all: &[usize]| axes.iter().map(|&axis| all[axis]).collect();
        let left = self.shape.iter().product();
        Walk { sizes: of_axes(&self.shape), strides: of_axes(&strides), index: vec![0; axes.len()], at: 0, left }
    }

    /// The bytes of an array of bytes, where the axes are walked in this order.
    pub(super) fn into_bytes(self, axes: &[usize]) -> Vec<u8> {
        if !self.fortran && axes.is_sorted() {
            return self.bytes;
        }
        self.walk(axes).map(|at| self.bytes[at]).collect()
    }

    /// The bytes of an item, as an unsigned number.
    fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word[..self.size].copy_from_slice(&self.bytes[at * self.size..][..self.size]);
        if self.big_endian {
            word[..self.size].reverse();
        }
        u64::from_le_bytes(word)
    }

    /// A whole number, of arrays of such.
    pub(super) fn whole(&self, at: usize) -> i128 {
        let word = self.word(at);
        match self.item {
            Item::Signed => {
                let unused = 64 - 8 * self.size as u32;
                i128::from((word << unused) as i64 >> unused)
            }
            _ => i128::from(word),
        }
    }

    /// A number, of arrays of such.
    pub(super) fn number(&self, at: usize) -> f64 {
        match (self.item, self.size) {
            (Item::Float, 2) => half::f16::from_bits(self.word(at) as u16).to_f64(),
            (Item::Float, 4) => f64::from(f32::from_bits(self.word(at) as u32)),
            (Item::Float, _) => f64::from_bits(self.word(at)),
            _ => self.whole(at) as f64,
        }
    }

    /// A text of one line, of arrays of such.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        let bytes = &self.bytes[at * self.size..][..self.size];
        let text = match self.item {
            Item::Bytes => String::from_utf8(bytes.to_vec()).ok()?,
            _ => {
                let number = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
                bytes.as_chunks::<4>().0.iter().map(|four| char::from_u32(number(*four))).collect::<Option<_>>()?
            }
        };
        let text = text.trim_end_matches('\0');
        (!text.contains(char::is_control)).then(|| text.to_owned())
    }
}

/// Places of items in the order of some axes.
pub(super) struct Walk {
    sizes: Vec<usize>,
    strides: Vec<usize>,
    index: Vec<usize>,
    at: usize,
    left: usize,
}

impl Iterator for Walk {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let here = self.at;
        for axis in (0..self.sizes.len()).rev() {
            self.index[axis] += 1;
            self.at += self.strides[axis];
            if self.index[axis] < self.sizes[axis] {
                break;
            }
            self.at -= self.sizes[axis] * self.strides[axis];
            self.index[axis] = 0;
        }
        Some(here)
    }
}

/// Where the items begin, and the text of the header.
fn header(bytes: &[u8]) -> Result<(usize, &str), &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("other bytes stand there")?;
    let (start, length) = match rest {
        [1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        [0 | 4.., ..] => return Err("its version is not 1, 2 or 3"),
        _ => return Err("it is cut short"),
    };
    let text = bytes[start..].get(..length).ok_or("it is cut short")?;
    Ok((start + length, str::from_utf8(text).map_err(|_| "it is no text")?))
}

/// What stands behind a key of the dictionary.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let after = ['\'', '"'].iter().find_map(|quote| text.split_once(&format!("{quote}{key}{quote}")))?.1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// The numbers of a tuple. Python 2 writes an L behind large ones.
fn sizes(text: &str) -> Option<Vec<usize>> {
    let inner = text.strip_prefix('(')?.split_once(')')?.0.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.is_empty() {
        return Some(vec![]);
    }
    inner.split(',').map(|size| size.trim().trim_end_matches('L').parse().ok()).collect()
}

/// Whether an item's first byte is its highest, what it is, and its bytes.
fn item(path: &Path, name: &str, descr: &str) -> Result<(bool, Item, usize), ArraysError> {
    let (path, array) = (|| path.to_owned(), || name.to_owned());
    let quoted = ['\'', '"'].iter().find_map(|quote| descr.strip_prefix(*quote)?.split_once(*quote));
    let short = quoted.map_or_else(|| descr.chars().take(40).collect(), |(short, _)| short.to_owned());
    let other = || ArraysError::Type { path: path(), array: array(), descr: short.clone() };
    if quoted.is_none() || !short.is_ascii() || short.len() < 2 {
        return Err(other());
    }
    let (order, kind) = short.split_at(1);
    let (kind, size) = kind.split_at(1);
    if kind == "O" {
        return Err(ArraysError::Objects { path: path(), array: array() });
    }
    let big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        _ => return Err(other()),
    };
    let (item, size) = match (kind, size.parse().map_err(|_| other())?) {
        ("b", 1) => (Item::Unsigned, 1),
        ("u", size @ (1 | 2 | 4 | 8)) => (Item::Unsigned, size),
        ("i", size @ (1 | 2 | 4 | 8)) => (Item::Signed, size),
        ("f", size @ (2 | 4 | 8)) => (Item::Float, size),
        ("S", size) => (Item::Bytes, size),
        ("U", size) => (Item::Unicode, usize::checked_mul(size, 4).ok_or_else(other)?),
        _ => return Err(other()),
    };
    Ok((big_endian, item, size))
}
