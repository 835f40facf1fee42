//! A kernel: WGSL text, bindings, arguments, and the plain-Rust twin that judges it.

mod interned;
mod io;
mod precision;
mod text;

pub(crate) use interned::{interned, is_interned};
pub use io::{Io, Tensor};
pub use precision::{Precision, Tile};
pub use text::{GENERATED, Part, declared, expand};

use bytemuck::{Pod, Zeroable};
use std::fmt;

/// Most storage bindings that a kernel may have: the least that every adapter offers.
pub const MAX_BINDINGS: usize = 8;

/// What a kernel does with a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it, and writes nothing.
    Read,
    /// Writes every element that the step's rows cover, and reads none.
    Write,
    /// Reads and writes it, or writes only a part.
    Update,
}

/// What the words of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Floats of 32 bits.
    F32,
    /// 32-bit unsigned integers, or four bytes each, lowest first.
    U32,
    /// The members of the one [`Now`].
    Now,
}

/// A tensor that a kernel takes, by its name in the WGSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Name of the WGSL variable.
    pub name: &'static str,
    /// What is done with it.
    pub access: Access,
    /// Type of the words that it holds.
    pub scalar: Scalar,
}

impl Binding {
    /// The same, of unsigned integers.
    pub const fn u32(mut self) -> Self {
        self.scalar = Scalar::U32;
        self
    }
}

/// A tensor of floats that is read.
pub const fn read(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, scalar: Scalar::F32 }
}

/// A tensor of floats that is written.
pub const fn write(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, scalar: Scalar::F32 }
}

/// A tensor of floats that is read and written.
pub const fn update(name: &'static str) -> Binding {
    Binding { name, access: Access::Update, scalar: Scalar::F32 }
}

/// The current step, read.
pub const NOW: Binding = Binding { name: "now", access: Access::Read, scalar: Scalar::Now };

/// The current step, changed.
pub const UPDATE_NOW: Binding = Binding { name: "now", access: Access::Update, scalar: Scalar::Now };

/// The words of the step that comes next, written at the end of a step.
pub const WRITE_NEXT: Binding = write("next").u32();

/// The words of the current step, written at its beginning, where [`NOW`] is still what the step before left.
pub const WRITE_CURRENT: Binding = write("current").u32();

/// A member of a struct that Rust and WGSL share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in both languages.
    pub name: &'static str,
    /// Bytes from the start.
    pub offset: usize,
    /// Type of the member: `F32` or `U32`.
    pub scalar: Scalar,
}

/// Declares a struct of `u32` and `f32` members that a kernel shares with the host, and lists its fields.
#[macro_export]
macro_rules! args {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $fvis:vis $field:ident: $type:ident),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        $vis struct $name { $($(#[$doc])* $fvis $field: $type),* }
        impl $name {
            /// The members as the WGSL must have them.
            pub const FIELDS: &'static [$crate::kernel::Field] = &[$($crate::kernel::Field {
                name: stringify!($field),
                offset: std::mem::offset_of!($name, $field),
                scalar: $crate::args!(@scalar $type),
            }),*];
        }
    };
    (@scalar u32) => { $crate::kernel::Scalar::U32 };
    (@scalar f32) => { $crate::kernel::Scalar::F32 };
}

args! {
    /// The step that the device is at. Kernels of a step read it; its last kernel moves it on.
    pub struct Now {
        /// Line of the step table that is current, and the place in the loss table.
        pub index: u32,
        /// Where the batch begins in the table of row numbers.
        pub start: u32,
        /// Rows of this batch; a tensor's rows beyond are neither read nor counted.
        pub rows: u32,
        /// Learning rate of this step.
        pub rate: f32,
        /// Updates since the first of the training: the counter of dropout's random numbers.
        pub step: u32,
        /// Why no state changes, if it does not: 1 since a loss was not finite, 2 since gradients were not finite at the
        /// loss scale 1; then the step stays. 3 in a step whose scaled gradients overflowed, after which comes the next.
        pub halted: u32,
        /// The gradient by the loss is multiplied by 2 to this power; 0 in a run that scales no loss.
        pub exponent: u32,
        /// Steps since the scale changed or a step was skipped.
        pub steady: u32,
        /// Steps skipped since the first of the training.
        pub skipped: u32,
    }
}

impl Now {
    /// In `halted`: a loss was not finite.
    pub const HALTED_BY_LOSS: u32 = 1;
    /// In `halted`: gradients were not finite, though the loss scale is 1.
    pub const HALTED_BY_GRADIENT: u32 = 2;
    /// In `halted`: this step is skipped.
    pub const SKIPPED: u32 = 3;

    /// What the gradient by the loss is multiplied by.
    pub fn loss_scale(&self) -> f32 {
        2f32.powi(self.exponent as i32)
    }
}

args! {
    /// One line of the step table: what [`Now`] takes over when the step begins.
    pub struct Step {
        /// Where the batch begins, for [`Now::start`].
        pub start: u32,
        /// Rows of the batch, for [`Now::rows`].
        pub rows: u32,
        /// Learning rate of the step, for [`Now::rate`].
        pub rate: f32,
        /// Number of the step, for [`Now::step`].
        pub step: u32,
    }
}

/// What a variant needs of an adapter beyond WebGPU's default limits and features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it runs on every adapter.
    Nothing,
    /// Subgroups of exactly eight lanes, as software drivers on 256-bit CPUs have, and words of 64 bits.
    SubgroupsOf8,
    /// Cooperative matrices of this size, of float16 with sums in float32.
    Cooperative(Tile),
}

/// What a result's error is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Integers, masks and copies: equal to the bit.
    Exact,
    /// The element itself, and at least 1.
    Element,
    /// The tensor's largest magnitude.
    Largest,
    /// The largest magnitude of its row (the first size), for a tensor whose rows are different things.
    LargestOfRow,
    /// The sum of the magnitudes of the terms: the twin's result on the magnitudes of its inputs.
    Terms,
}

/// How far a kernel may be from its twin: `c · 2⁻²⁴ · √terms`, relative to `size`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Stated with its reason where the kernel is declared.
    pub c: f64,
    /// What the error is divided by.
    pub size: Size,
    /// Number of terms that one result adds up, from the arguments and the rows of the step.
    pub terms: fn(args: &[u8], rows: usize) -> usize,
}

impl Tolerance {
    /// Equal to the bit.
    pub const EXACT: Self = Self { c: 0.0, size: Size::Exact, terms: |_, _| 1 };

    /// A few roundings of one element.
    pub const fn element(c: f64) -> Self {
        Self { c, size: Size::Element, terms: |_, _| 1 }
    }

    /// The bound for given arguments.
    pub fn bound(&self, args: &[u8], rows: usize) -> f64 {
        self.c * 2f64.powi(-24) * ((self.terms)(args, rows) as f64).sqrt()
    }
}

/// A function that does on the host what a kernel does on a device.
pub type Twin = fn(args: &[u8], io: &mut Io<'_>);

/// What the CPU path runs in place of a twin.
pub type Fast = &'static (dyn Fn(&[u8], &mut Io<'_>) + Sync);

/// A kernel, as an operation declares it.
pub struct Kernel {
    /// `op.part`: also the pipeline's label, the line in a profile and the name in a failed test.
    pub name: &'static str,
    /// WGSL in the order in which it is joined; the entry point is `main`.
    pub parts: &'static [Part],
    /// Members of the WGSL struct `Args`, which is binding 0; with none there is no binding 0.
    pub args: &'static [Field],
    /// Storage bindings from 1 without gaps, in the order read, written, updated.
    pub bindings: &'static [Binding],
    /// What it needs of an adapter.
    pub needs: Needs,
    /// How far it may be from its twin.
    pub tolerance: Tolerance,
    /// The judge: single-threaded, float64 inside, reads like the formula. A joined kernel has none: the plain kernels that
    /// its dispatch names are its judge.
    pub twin: Option<Twin>,
    /// What the CPU path runs where the twin is too slow. The checks compare it with the twin like any variant.
    pub fast: Option<Fast>,
}

impl Kernel {
    /// The joined and expanded WGSL.
    pub fn wgsl(&self) -> String {
        text::join(self.parts)
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Kernels are statics: the same name is the same kernel.
impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The arguments of a kernel, out of the bytes of a dispatch.
pub fn args_of<T: Pod + Zeroable>(bytes: &[u8]) -> T {
    bytemuck::pod_read_unaligned(bytes)
}
