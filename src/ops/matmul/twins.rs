//! Twins of the products: the definition, with sums in float64; of the products by cooperative matrices with operands
//! rounded to float16.

use super::{Args, ColumnArgs, RowsIn};
use crate::kernel::{Io, Now, args_of};
use crate::ops::activation::relu;
use half::f16;

impl Args {
    /// m and k with the rows of the step in place of the capacity.
    pub(super) fn sizes(&self, now: &Now) -> (usize, usize) {
        let m = if self.rows_in == RowsIn::M as u32 { now.rows } else { self.m };
        let k = if self.rows_in == RowsIn::K as u32 { now.rows } else { self.k };
        (m as usize, k as usize)
    }
}

/// c[part, i, j] = end(j, Σ_k a(i, k) · b(k, j)), the sum over the part's k.
fn define(
    a: Args,
    now: &Now,
    term: impl Fn(usize, usize, usize) -> f64,
    end: impl Fn(usize, f64) -> f32,
    c: &mut [f32],
) {
    let (m, k) = a.sizes(now);
    let (capacity, n, part) = (a.m as usize, a.n as usize, a.part as usize);
    for z in 0..c.len() / (capacity * n) {
        for i in 0..m {
            for j in 0..n {
                let sum: f64 = (z * part..k.min((z + 1) * part)).map(|k| term(i, j, k)).sum();
                c[(z * capacity + i) * n + j] = end(j, sum);
            }
        }
    }
}

/// How a twin multiplies element i of one tensor by element j of another.
type Multiply = fn(x: &[f32], y: &[f32], i: usize, j: usize) -> f64;

fn product(x: &[f32], y: &[f32], i: usize, j: usize) -> f64 {
    f64::from(x[i]) * f64::from(y[j])
}

/// The same of operands rounded to float16.
fn product_f16(x: &[f32], y: &[f32], i: usize, j: usize) -> f64 {
    f16::from_f32(x[i]).to_f64() * f16::from_f32(y[j]).to_f64()
}

/// The value: `end` makes the result of a column's number and its bias, 0 where there is none, and the sum.
fn value(multiply: Multiply, has_bias: bool, end: fn(f32) -> f32, args: &[u8], io: &mut Io<'_>) {
    let [x, w, now, four, five] = io.take();
    let (mut y, bias) = if has_bias { (five, Some(four)) } else { (four, None) };
    let (a, k): (Args, _) = (args_of(args), args_of::<Args>(args).k as usize);
    let term = |i, j, at| multiply(x.f32(), w.f32(), i * k + at, j * k + at);
    let bias = |j: usize| bias.as_ref().map_or(0.0, |bias| f64::from(bias.f32()[j]));
    define(a, &now.now(), term, |j, sum| end((sum + bias(j)) as f32), y.f32_mut());
}

fn input_gradient(multiply: Multiply, args: &[u8], io: &mut Io<'_>) {
    let [dy, w, now, mut dx] = io.take();
    let a: Args = args_of(args);
    let (k, n) = (a.k as usize, a.n as usize);
    let term = |i, j, at| multiply(dy.f32(), w.f32(), i * k + at, at * n + j);
    define(a, &now.now(), term, |_, sum| sum as f32, dx.f32_mut());
}

fn weight_gradient(multiply: Multiply, args: &[u8], io: &mut Io<'_>) {
    let [dy, x, now, mut dw] = io.take();
    let a: Args = args_of(args);
    let (m, n) = (a.m as usize, a.n as usize);
    let term = |i, j, at| multiply(dy.f32(), x.f32(), at * m + i, at * n + j);
    define(a, &now.now(), term, |_, sum| sum as f32, dw.f32_mut());
}

/// The five twins of a family, by how it multiplies. A ReLU is the plain twins one after the other.
macro_rules! family {
    ($multiply:ident: $nt:ident, $nt_bias:ident, $nt_bias_relu:ident, $nn:ident, $tn:ident) => {
        pub(super) fn $nt(args: &[u8], io: &mut Io<'_>) {
            value($multiply, false, |y| y, args, io);
        }

        pub(super) fn $nt_bias(args: &[u8], io: &mut Io<'_>) {
            value($multiply, true, |y| y, args, io);
        }

        pub(super) fn $nt_bias_relu(args: &[u8], io: &mut Io<'_>) {
            value($multiply, true, relu, args, io);
        }

        pub(super) fn $nn(args: &[u8], io: &mut Io<'_>) {
            input_gradient($multiply, args, io);
        }

        pub(super) fn $tn(args: &[u8], io: &mut Io<'_>) {
            weight_gradient($multiply, args, io);
        }
    };
}

family!(product: nt, nt_bias, nt_bias_relu, nn, tn);
family!(product_f16: nt_f16, nt_bias_f16, nt_bias_relu_f16, nn_f16, tn_f16);

pub(super) fn sum_parts(
    (capacity, m, n, parts): (u32, u32, u32, u32),
    partial: &[f32],
    bias: impl Fn(usize) -> f64,
    c: &mut [f32],
) {
    let stride = (capacity * n) as usize;
    for i in 0..(m * n) as usize {
        let sum: f64 = (0..parts as usize).map(|part| f64::from(partial[part * stride + i])).sum();
        c[i] = (sum + bias(i % n as usize)) as f32;
    }
}

pub(super) fn column_sums(args: &[u8], io: &mut Io<'_>) {
    let [dy, now, mut sums] = io.take();
    let (columns, rows) = (args_of::<ColumnArgs>(args).columns as usize, now.now().rows as usize);
    let (dy, sums) = (dy.f32(), sums.f32_mut());
    let mut totals = vec![0.0; columns];
    for row in dy[..rows * columns].chunks(columns) {
        totals.iter_mut().zip(row).for_each(|(total, &dy)| *total += f64::from(dy));
    }
    sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = total as f32);
}
