//! The judges of the kernels that take sums of parts: twins without WGSL of their own.

use super::super::args::PixelArgs;
use crate::kernel::{Binding, Io, Kernel, NOW, Needs, Tolerance, Twin, args_of, read, update};

const fn judge(name: &'static str, bindings: &'static [Binding], twin: Twin) -> Kernel {
    Kernel {
        name,
        parts: &[],
        args: PixelArgs::FIELDS,
        bindings,
        needs: Needs::Nothing,
        tolerance: Tolerance::EXACT,
        twin: Some(twin),
        fast: None,
    }
}

/// Of each part and column, the mean of z and the sum of squares around it.
pub(super) static MOMENTS: Kernel = judge("block.pixels_moments", &[read("z"), NOW, update("parts")], moments);

/// Of each part and column, Σ u and Σ u (z − mean).
pub(super) static PRODUCTS: Kernel =
    judge("block.pixels_products", &[read("z"), read("saved"), read("u"), NOW, update("parts")], products);

fn moments(bytes: &[u8], io: &mut Io<'_>) {
    let [z, now, mut parts] = io.take();
    let a: PixelArgs = args_of(bytes);
    let (n, pixels) = (a.n as usize, (now.now().rows * a.pixels) as usize);
    let z = z.f32()[..pixels * n].chunks(a.of_part as usize * n);
    for (z, parts) in z.zip(parts.f32_mut().chunks_exact_mut(2 * n)) {
        for f in 0..n {
            let column = || z.iter().skip(f).step_by(n).map(|z| f64::from(*z));
            let mean = column().sum::<f64>() / column().count() as f64;
            parts[f] = mean as f32;
            parts[n + f] = column().map(|z| (z - mean).powi(2)).sum::<f64>() as f32;
        }
    }
}

/// The unit that a pixel is in, counted over the batch: itself, or its window.
fn unit(a: &PixelArgs, pixel: usize) -> usize {
    let [width, pool, pixels] = [a.in_w, a.pool, a.pixels].map(|size| size as usize);
    let (image, y, x) = (pixel / pixels, pixel % pixels / width, pixel % width);
    image * a.part_units as usize + y / pool * width.div_ceil(pool) + x / pool
}

fn products(bytes: &[u8], io: &mut Io<'_>) {
    let [z, saved, u, now, mut parts] = io.take();
    let a: PixelArgs = args_of(bytes);
    let (n, pixels) = (a.n as usize, (now.now().rows * a.pixels) as usize);
    let (z, mean, u, parts) = (z.f32(), saved.f32(), u.f32(), parts.f32_mut());
    let count = ((now.now().rows * a.part_units) as usize).div_ceil(a.of_part as usize);
    let mut sums = vec![0.0; 2 * n * count];
    for i in 0..pixels * n {
        let (part, f, u) = (unit(&a, i / n) / a.of_part as usize, i % n, f64::from(u[i]));
        sums[2 * part * n + f] += u;
        sums[2 * part * n + n + f] += u * (f64::from(z[i]) - f64::from(mean[f]));
    }
    parts.iter_mut().zip(sums).for_each(|(part, sum)| *part = sum as f32);
}
