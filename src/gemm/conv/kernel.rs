//! The innermost loops, and the tiles that they compute: a few pixels or channels by one or two vectors.

use crate::gemm::tile::{STEPS, step};
use pulp::{Arch, Simd, WithSimd};

/// Runs what is compiled for an instruction set: the one of this machine, or in tests any.
pub(super) trait Runs: Copy + Sync {
    fn run<W: WithSimd>(self, work: W) -> W::Output;

    /// The tiles of the instruction set.
    fn form(self) -> Form {
        self.run(Lanes)
    }
}

impl Runs for Arch {
    fn run<W: WithSimd>(self, work: W) -> W::Output {
        self.dispatch(work)
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = Form;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Form {
        // Others are compiled with the four lanes that compilers make of plain code anywhere.
        let lanes = if matches!(S::F32_LANES, 4 | 8 | 16) { S::F32_LANES } else { 4 };
        Form { lanes, rows: [ONE, if lanes == 16 { TWO_WIDE } else { TWO }] }
    }
}

/// Most rows of a tile of one vector.
pub(super) const ONE: usize = 12;

/// Most rows of a tile of two vectors: with 12 sums, two vectors of b and one element of a 15 of the 16 registers of AVX2.
pub(super) const TWO: usize = 6;

/// The same for vectors of 16 lanes, of which there are 32 registers.
pub(super) const TWO_WIDE: usize = 12;

/// The tiles of an instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub lanes: usize,
    /// Most rows of a tile of one vector, and of two.
    pub rows: [usize; 2],
}

impl Form {
    /// Panels of so many channels: those of two vectors, and whether there is one of a single vector behind them.
    pub fn panels(self, channels: usize) -> (usize, bool) {
        let wide = 2 * self.lanes;
        let has_one = (1..=self.lanes).contains(&(channels % wide));
        (if has_one { channels / wide } else { channels.div_ceil(wide) }, has_one)
    }

    /// Channels of all panels, those beyond the last one included.
    pub fn columns(self, channels: usize) -> usize {
        let (two, one) = self.panels(channels);
        (2 * two + usize::from(one)) * self.lanes
    }
}

/// Runs a block of code with the form of an instruction set as constants: its own type, floats of a panel of one and of two
/// vectors, most rows of a tile of two, and whether it fuses products and sums.
macro_rules! with_form {
    ($simd:ident: $S:ident, $function:ident($($rest:expr),*)) => {
        match $S::F32_LANES {
            4 => $function::<$S, 4, 8, { $crate::gemm::conv::kernel::TWO }, true>($simd, $($rest),*),
            8 => $function::<$S, 8, 16, { $crate::gemm::conv::kernel::TWO }, true>($simd, $($rest),*),
            16 => $function::<$S, 16, 32, { $crate::gemm::conv::kernel::TWO_WIDE }, true>($simd, $($rest),*),
            _ => $function::<pulp::Scalar128b, 4, 8, { $crate::gemm::conv::kernel::TWO }, false>(
                pulp::Scalar128b,
                $($rest),*
            ),
        }
    };
}

/// Runs a block of code with a tile's number of rows as a constant. What is over `$most` is not compiled.
macro_rules! with_rows {
    ($rows:expr, $most:expr, $name:ident => $work:expr) => {
        with_rows!(@each $rows, $most, $name => $work, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@each $rows:expr, $most:expr, $name:ident => $work:expr, $($n:literal)*) => {
        match $rows {
            $($n if $n <= $most => { const $name: usize = $n; $work })*
            _ => unreachable!("a tile has no more rows"),
        }
    };
}

pub(super) use {with_form, with_rows};

/// Sums of a tile of R rows and V vectors.
pub(super) type Sums<S, const R: usize, const V: usize> = [[<S as Simd>::f32s; V]; R];

/// Adds the products of slices of one length with as many rows of a panel, in their order.
#[inline(always)]
pub(super) fn add_slices<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
    simd: S,
    a: [&[f32]; R],
    b: &[[S::f32s; V]],
    sums: &mut Sums<S, R, V>,
) {
    let (b, last_b) = b.as_chunks::<STEPS>();
    let (mut fours, mut last) = ([&[][..]; R], [&[][..]; R]);
    for r in 0..R {
        let (own, rest) = a[r].as_chunks::<STEPS>();
        (fours[r], last[r]) = (&own[..b.len()], &rest[..last_b.len()]);
    }
    for (i, b) in b.iter().enumerate() {
        for j in 0..STEPS {
            let mut row = [0.0; R];
            for r in 0..R {
                row[r] = fours[r][i][j];
            }
            step::<S, R, V, FUSED>(simd, &row, &b[j], sums);
        }
    }
    for (i, b) in last_b.iter().enumerate() {
        let mut row = [0.0; R];
        for r in 0..R {
            row[r] = last[r][i];
        }
        step::<S, R, V, FUSED>(simd, &row, b, sums);
    }
}
