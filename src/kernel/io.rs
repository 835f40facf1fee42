//! The tensors of one dispatch, as a twin sees them.

use super::{MAX_BINDINGS, Now};
use bytemuck::cast_slice;

/// A tensor of 32-bit words. Asking for a view that the kernel's bindings do not grant is a fault of ours and panics.
#[derive(Debug, Default)]
pub enum Tensor<'a> {
    /// Nothing is bound here.
    #[default]
    None,
    /// Words that are bound for reading.
    Read(&'a [u32]),
    /// Bound for writing or updating.
    Write(&'a mut [u32]),
}

impl Tensor<'_> {
    /// The words as unsigned integers.
    pub fn u32(&self) -> &[u32] {
        match self {
            Self::None => panic!("a twin asked for a tensor that is not bound"),
            Self::Read(words) => words,
            Self::Write(words) => words,
        }
    }

    /// The words as floats.
    pub fn f32(&self) -> &[f32] {
        cast_slice(self.u32())
    }

    /// The words as bytes, lowest first (as a little-endian host lays them out).
    pub fn bytes(&self) -> &[u8] {
        cast_slice(self.u32())
    }

    /// The step that the words hold.
    pub fn now(&self) -> Now {
        bytemuck::pod_read_unaligned(&self.bytes()[..size_of::<Now>()])
    }

    /// The words, to be changed.
    pub fn u32_mut(&mut self) -> &mut [u32] {
        match self {
            Self::Write(words) => words,
            _ => panic!("a twin asked to write a tensor that is bound for reading"),
        }
    }

    /// The floats, to be changed.
    pub fn f32_mut(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(self.u32_mut())
    }

    /// The step, to be changed.
    pub fn set_now(&mut self, now: &Now) {
        let words: &[u32] = cast_slice(std::slice::from_ref(now));
        self.u32_mut()[..words.len()].copy_from_slice(words);
    }
}

/// The tensors of one dispatch in the order of its bindings.
#[derive(Debug, Default)]
pub struct Io<'a> {
    tensors: [Tensor<'a>; MAX_BINDINGS],
}

impl<'a> Io<'a> {
    /// Binds a tensor at a place.
    pub fn bind(&mut self, place: usize, tensor: Tensor<'a>) {
        self.tensors[place] = tensor;
    }

    /// The first `N` tensors.
    pub fn take<const N: usize>(&mut self) -> [Tensor<'a>; N] {
        std::array::from_fn(|i| std::mem::take(&mut self.tensors[i]))
    }
}
