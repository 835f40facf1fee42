//! The scale of a regression's targets.

use serde::{Deserialize, Serialize};

/// Where the numbers of a regression lie: what training sees is (target − offset) · factor, of each number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// Subtracted from each target first, in the data's units.
    pub offset: Vec<f64>,
    /// What the difference is multiplied by.
    pub factor: Vec<f64>,
}

impl TargetScale {
    /// Leaves so many numbers as they are.
    pub fn none(numbers: usize) -> Self {
        Self { offset: vec![0.0; numbers], factor: vec![1.0; numbers] }
    }

    /// To mean 0 and deviation 1 over the given rows of `targets[rows, numbers]`; a number that never differs is only
    /// moved.
    pub fn standardize(targets: &[f64], numbers: usize, rows: &[u32]) -> Self {
        let mut scale = Self::none(numbers);
        for j in 0..numbers {
            let of = || rows.iter().map(|&row| targets[row as usize * numbers + j]);
            let mean = of().sum::<f64>() / rows.len() as f64;
            let deviation = (of().map(|t| (t - mean).powi(2)).sum::<f64>() / rows.len() as f64).sqrt();
            scale.offset[j] = mean;
            scale.factor[j] = Some(1.0 / deviation).filter(|factor| factor.is_finite()).unwrap_or(1.0);
        }
        scale
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::none(self.offset.len())
    }

    /// What training sees of number `j`.
    pub fn scaled(&self, j: usize, target: f64) -> f32 {
        ((target - self.offset[j]) * self.factor[j]) as f32
    }

    /// Whether it has one finite number for each of `numbers`, and none that cannot be divided by.
    pub fn fits(&self, numbers: usize) -> bool {
        let fit = |values: &[f64]| values.len() == numbers && values.iter().all(|value| value.is_finite());
        fit(&self.offset) && fit(&self.factor) && !self.factor.contains(&0.0)
    }

    /// An output in the data's units.
    pub fn original(&self, j: usize, output: f32) -> f64 {
        f64::from(output) / self.factor[j] + self.offset[j]
    }
}
