//! The one source of randomness: Philox 4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy
//! as 1, 2, 3", section 3.3), counter-based, the same numbers here and in `shaders/shared/random.wgsl`.
//!
//! Every use has counters of its own. Dropout: `(element / 4, step, layer, 0)`. A host stream: `(block, index, 0,
//! domain)`, where the domain is never 0.

use crate::simd::{self, flip};
use pulp::{Simd, WithSimd};
use rand::TryRng;
use std::convert::Infallible;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The four words of Philox 4x32-10 for one counter and key.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let product = |i: usize, word: u32| u64::from(MULTIPLIERS[i]) * u64::from(word);
        let (first, second) = (product(0, counter[0]), product(1, counter[2]));
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The words of [`philox`] for the counters `(block, step, layer, 0)`, the blocks from `first_block` on, four words each:
/// `out[4 i + j]` is word j of block `first_block + i`. Many blocks are computed side by side.
pub fn philox_words(first_block: u32, step: u32, layer: u32, key: [u32; 2], out: &mut [u32]) {
    simd::arch().dispatch(Blocks { first_block, step, layer, key, out });
}

/// Blocks that are computed side by side.
const BESIDE: usize = 16;

struct Blocks<'a> {
    first_block: u32,
    step: u32,
    layer: u32,
    key: [u32; 2],
    out: &'a mut [u32],
}

impl WithSimd for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut first_block, step, layer, key, out } = self;
        let lanes: [u32; 16] = std::array::from_fn(|i| i as u32);
        let (lanes, _) = S::as_simd_u32s(&lanes);
        for out in out.chunks_mut(4 * BESIDE) {
            // Word j of the block i is at [i / 8 · 4 + j][i % 8], so that one transposition brings them into order.
            let mut words = [[0; 8]; 8];
            for first in (0..out.len().div_ceil(4)).step_by(S::U32_LANES) {
                let blocks = simd.add_u32s(simd.splat_u32s(first_block.wrapping_add(first as u32)), lanes[0]);
                let counter = [blocks, simd.splat_u32s(step), simd.splat_u32s(layer), simd.splat_u32s(0)];
                let found = rounds(simd, counter, key);
                for j in 0..4 {
                    let found: &[u32] = bytemuck::cast_slice(&found[j..=j]);
                    for i in (0..S::U32_LANES).step_by(8.min(S::U32_LANES)) {
                        let (row, column, count) = ((first + i) / 8 * 4 + j, (first + i) % 8, 8.min(S::U32_LANES));
                        words[row][column..column + count].copy_from_slice(&found[i..i + count]);
                    }
                }
            }
            let words: [[[u32; 4]; 2]; 8] = bytemuck::cast(flip(simd, bytemuck::cast(words)));
            let (blocks, last) = out.as_chunks_mut();
            for (i, block) in blocks.iter_mut().enumerate() {
                *block = words[i % 8][i / 8];
            }
            let next = blocks.len();
            last.copy_from_slice(&words[next % 8][next / 8 % 2][..last.len()]);
            first_block = first_block.wrapping_add(BESIDE as u32);
        }
    }
}

/// [`philox`] with a counter in each lane. No closures: they would be compiled for the least instruction set.
#[inline(always)]
fn rounds<S: Simd>(simd: S, mut counter: [S::u32s; 4], mut key: [u32; 2]) -> [S::u32s; 4] {
    let [m0, m1] = [simd.splat_u32s(MULTIPLIERS[0]), simd.splat_u32s(MULTIPLIERS[1])];
    for _ in 0..ROUNDS {
        let (low0, high0) = simd.widening_mul_u32s(m0, counter[0]);
        let (low1, high1) = simd.widening_mul_u32s(m1, counter[2]);
        let [key0, key1] = [simd.splat_u32s(key[0]), simd.splat_u32s(key[1])];
        counter = [
            simd.xor_u32s(simd.xor_u32s(high1, counter[1]), key0),
            low1,
            simd.xor_u32s(simd.xor_u32s(high0, counter[3]), key1),
            low0,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// A seed as the two key words of [`philox`], low word first.
pub fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// What a host stream is drawn for; streams of different domains never share a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Splitting a data set into parts.
    Split = 1,
    /// The order of the training rows; the index is the epoch.
    Order = 2,
    /// Initial weights; the index is the parameter's place in the network.
    Init = 3,
    /// Inputs made up by checks and benchmarks.
    Check = 4,
    /// Augmenting pictures; its counters are `(block, row, epoch, 5)`.
    Augment = 5,
    /// Permuting a column of a table over the rows; the index is the repeat.
    Permute = 6,
    /// Drawing test rows with repetition; the index is the draw.
    Resample = 8,
    /// Drawing a bootstrap sample of the training rows.
    Bootstrap = 9,
    /// Choosing rows of two parts that are told apart; the index is the part.
    TwoSample = 10,
}

/// A stream of random words for the host, usable wherever the `rand` crate wants a generator.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    words: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream number `index` of a domain under a seed.
    pub fn new(seed: u64, domain: Domain, index: u32) -> Self {
        Self { key: key(seed), counter: [0, index, 0, domain as u32], words: [0; 4], used: 4 }
    }

    fn next_word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox(self.counter, self.key);
            let (low, carry) = self.counter[0].overflowing_add(1);
            self.counter[0] = low;
            self.counter[2] += u32::from(carry);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.next_word());
        Ok(low | u64::from(self.next_word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_side_by_side_are_those_of_single_blocks() {
        for (first, count) in [(0, 1), (7, 31), (5, 64), (u32::MAX - 3, 4 * 37 + 2)] {
            let mut words = vec![0; count];
            philox_words(first, 9, 4, [1, 2], &mut words);
            for (i, word) in words.iter().enumerate() {
                let block = philox([first.wrapping_add(i as u32 / 4), 9, 4, 0], [1, 2]);
                assert_eq!(*word, block[i % 4], "word {i} of {count} from block {first}");
            }
        }
    }
}
