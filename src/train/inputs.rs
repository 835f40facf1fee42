//! Rows of the data as a network takes them, for instruments that look at one apart from a run.

use super::job::Job;
use crate::data::Values;
use crate::run::batches::epoch_order;

impl Job {
    /// Rows of the data set, normalised, one after the other in the order of files. Rows that the data set lacks panic.
    pub fn inputs(&self, rows: &[u32]) -> Vec<f32> {
        let (offset, factor) = self.normalize.1.on_device(&self.dataset.values);
        let width = self.dataset.features();
        let mut inputs = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            let range = row as usize * width..(row as usize + 1) * width;
            let raw: Vec<f32> = match &self.dataset.values {
                Values::Bytes(values) => values[range].iter().map(|&v| f32::from(v)).collect(),
                Values::Floats(values) => values[range].to_vec(),
            };
            let maps = offset.iter().zip(&factor);
            inputs.extend(raw.iter().zip(maps).map(|(v, (offset, factor))| (v - offset) * factor));
        }
        inputs
    }

    /// What is to be learnt of rows, as the loss takes it: the number of the class, or the bits of a float for each output.
    pub fn targets(&self, rows: &[u32]) -> Vec<u32> {
        let words = self.target_words();
        let width = words.len() / self.dataset.rows().max(1);
        rows.iter().flat_map(|&row| words[row as usize * width..][..width].iter().copied()).collect()
    }

    /// The rows that training begins with, at most `count`.
    pub fn first_rows(&self, count: usize) -> Vec<u32> {
        let mut order = epoch_order(&self.split.train, self.settings.shuffle, self.settings.seed, 0);
        order.truncate(count);
        order
    }
}
