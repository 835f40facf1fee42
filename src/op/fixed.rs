//! The fixed table: which variants a plan gets on which kind of device, as long as nobody tunes.
//!
//! It changes with the program alone, so results never change by themselves; `wgrad tune` measures an adapter and keeps
//! another choice for it. What depends on shapes follows from the choice: a product's sum over k is split where its tiles are
//! fewer than `groups_wanted`, the family of GPUs has larger tiles where as many fill the device, and linear, batch norm, ReLU
//! and dropout are one kernel up to `block_work` products. The tiles belong to the families' shaders: `ops::matmul` has those
//! of products and of the weights' gradients, `ops::block` the columns of a block's group.

use super::turns::MESA_TURNS;
use super::{Family, Target};
use crate::names::nearest;
use std::fmt;
use std::str::FromStr;

/// What is chosen of a [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variants {
    /// The choice for [`Target::product`].
    pub product: Family,
    /// The choice for [`Target::groups_wanted`].
    pub groups_wanted: u32,
    /// The choice for [`Target::block_work`].
    pub block_work: u64,
}

/// Kinds of devices that the table tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The CPU path, without an adapter.
    Host,
    /// A software driver with subgroups of eight lanes.
    SoftwareOf8,
    /// Any other software driver.
    Software,
    /// A GPU in hardware.
    Hardware,
}

/// A line of the table, and its reason.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    /// The kind of device that gets these variants.
    pub kind: Kind,
    /// What is chosen there.
    pub variants: Variants,
    /// The reason for the choice, in one phrase.
    pub why: &'static str,
}

const fn line(kind: Kind, product: Family, groups_wanted: u32, why: &'static str) -> Fixed {
    Fixed { kind, variants: Variants { product, groups_wanted, block_work: product.block_work() }, why }
}

/// The table, a line for each [`Kind`].
pub const FIXED: [Fixed; 4] = [
    line(
        Kind::Host,
        Family::Plain,
        1,
        "kernels name their twins; products share their own threads, by rows and columns",
    ),
    line(
        Kind::SoftwareOf8,
        Family::Subgroup,
        2,
        "barriers and workgroup memory are slow on a CPU: 6 to 7 times faster",
    ),
    line(Kind::Software, Family::Tiled, 2, "a few cores; other subgroups have no kernels of their own"),
    line(Kind::Hardware, Family::Tiled, 64, "fewer groups leave most of a GPU idle; measured on none yet"),
];

impl Kind {
    /// All kinds, with the names by which they are asked for.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("hardware", Self::Hardware),
        ("software8", Self::SoftwareOf8),
        ("software", Self::Software),
        ("cpu", Self::Host),
    ];

    /// Most bytes of one binding of a GPU by WebGPU's default limits (`maxStorageBufferBindingSize`).
    pub const MAX_BINDING: u64 = 128 << 20;
    /// Most bytes of one buffer of a GPU by WebGPU's default limits (`maxBufferSize`).
    pub const MAX_BUFFER: u64 = 256 << 20;

    /// Its name, as `plan` takes it.
    pub fn name(self) -> &'static str {
        let [hardware, of8, software, host] = Self::NAMES.map(|(name, _)| name);
        match self {
            Self::Host => host,
            Self::SoftwareOf8 => of8,
            Self::Software => software,
            Self::Hardware => hardware,
        }
    }

    /// What plans for a device of this kind are compiled for where none is there: the variants of the table, WebGPU's default
    /// limits, and of software drivers the turns of Mesa's.
    pub fn target(self) -> Target {
        let limits = Target { max_binding: Self::MAX_BINDING, max_buffer: Self::MAX_BUFFER, ..Target::CPU };
        let target = match self {
            Self::Host => Target::CPU,
            Self::SoftwareOf8 | Self::Software => Target { max_turns: MESA_TURNS, ..limits },
            Self::Hardware => limits,
        };
        target.with(self.variants())
    }

    /// Its line of the table.
    pub fn variants(self) -> Variants {
        let [host, of8, software, hardware] = FIXED.map(|line| line.variants);
        match self {
            Self::Host => host,
            Self::SoftwareOf8 => of8,
            Self::Software => software,
            Self::Hardware => hardware,
        }
    }
}

/// Reads one of [`Kind::NAMES`].
impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::NAMES.map(|(name, _)| name);
        let found = Self::NAMES.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| kind).ok_or_else(|| format!("there is no kind {text:?}; {}", nearest(text, &names)))
    }
}

/// Its name, and in brackets what it is.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Host => "the CPU path",
            Self::SoftwareOf8 => "a software driver with subgroups of eight lanes",
            Self::Software => "any other software driver",
            Self::Hardware => "a GPU",
        };
        write!(f, "{} ({what})", self.name())
    }
}

impl Family {
    /// Those of float32, with the names by which they are asked for.
    pub const NAMES: [(&'static str, Self); 3] =
        [("plain", Self::Plain), ("tiled", Self::Tiled), ("subgroup", Self::Subgroup)];

    /// Whether products stay kernels of their own: kernels that join a product to something else multiply in float32.
    pub fn keeps_products_apart(self) -> bool {
        matches!(self, Self::Cooperative(_))
    }

    /// Its name, as in `WGRAD_PRODUCT` and reports.
    pub fn name(self) -> &'static str {
        let [plain, tiled, subgroup] = Self::NAMES.map(|(name, _)| name);
        match self {
            Self::Plain => plain,
            Self::Tiled => tiled,
            Self::Subgroup => subgroup,
            // Not asked for by name: `precision = f16` chooses it.
            Self::Cooperative(_) => "cooperative",
        }
    }

    /// Products of a linear layer up to which a block is one kernel. Beyond 2²⁷ large tiles that are read from workgroup
    /// memory, with batch norm apart, are better than a block's narrow ones; the other families' tiles are no larger.
    pub const fn block_work(self) -> u64 {
        match self {
            Self::Tiled => 1 << 27,
            Self::Plain | Self::Subgroup => u64::MAX,
            Self::Cooperative(_) => 0,
        }
    }
}

impl Target {
    /// The same with other variants.
    #[must_use]
    pub fn with(self, Variants { product, groups_wanted, block_work }: Variants) -> Self {
        Self { product, groups_wanted, block_work, ..self }
    }

    /// The variants that the target chooses.
    pub fn variants(&self) -> Variants {
        Variants { product: self.product, groups_wanted: self.groups_wanted, block_work: self.block_work }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_line() {
        assert!(FIXED.iter().all(|line| line.kind.variants() == line.variants && !line.why.is_empty()));
        assert_eq!(Target::CPU.variants(), Kind::Host.variants());
        assert!(Kind::NAMES.iter().all(|(name, kind)| name.parse() == Ok(*kind) && kind.name() == *name));
        assert!(Family::NAMES.iter().all(|(name, family)| family.name() == *name));
    }
}
