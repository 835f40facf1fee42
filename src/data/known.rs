//! The data sets that are known by name.

/// The number of images of the digits.
pub(super) const DIGITS: usize = 1797;

/// A data set known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name that [`open`](super::open) takes.
    pub name: &'static str,
    /// What the rows are.
    pub what: &'static str,
    /// The licence of the data.
    pub licence: &'static str,
    /// Who made it, and where it lies.
    pub source: &'static str,
    /// The number of rows.
    pub rows: usize,
}

/// The data sets known by name.
pub static KNOWN: &[Known] = &[
    Known {
        name: "digits",
        what: "handwritten digits, grey images of 8x8 pixels, 10 classes",
        licence: "CC BY 4.0",
        source: "E. Alpaydin and C. Kaynak (1998), UCI Optical Recognition of Handwritten Digits, test part; in the \
                 program",
        rows: DIGITS,
    },
    Known {
        name: "mnist",
        what: "handwritten digits, grey images of 28x28 pixels, 10 classes",
        licence: "CC BY-SA 3.0",
        source: "Y. LeCun and C. Cortes; the IDX files in a folder mnist under WGRAD_DATA",
        rows: 70_000,
    },
    Known {
        name: "cifar10",
        what: "photographs, colour images of 32x32 pixels, 10 classes",
        licence: "none is stated",
        source: "A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images; the binary files or a \
                 folder of pictures by class, in a folder cifar10 under WGRAD_DATA",
        rows: 60_000,
    },
];

/// Whether a name is that of a known data set, and not a path.
pub fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.name == name)
}
