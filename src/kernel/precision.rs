//! The precision of products, and the cooperative matrices that multiply in float16.

use crate::names::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The type in which the matrix products of a run multiply. Sums, and all tensors, are float32 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Products multiply in float32.
    #[default]
    F32,
    /// float16, by cooperative matrices, with the loss scaled.
    F16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            _ => Err(format!("there is no precision {name:?}; {}", nearest(name, &["f32", "f16"]))),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::F32 { "f32" } else { "f16" })
    }
}

/// Cooperative matrices, which a subgroup multiplies as a whole: m, n and k are one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// m, n and k are 8.
    Eight,
    /// m, n and k are 16.
    Sixteen,
}

impl Tile {
    /// All tiles, the largest first.
    pub const ALL: [Self; 2] = [Self::Sixteen, Self::Eight];

    /// m, n and k.
    pub fn size(self) -> u32 {
        if self == Self::Eight { 8 } else { 16 }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.size();
        write!(f, "{size}x{size}x{size}")
    }
}
