//! Inputs with which the convolution is checked: odd sizes, one past a tile, strides that do not divide, even kernels, dilation,
//! more padding than image, images of one pixel, one channel, batches of one and partial ones, split sums.

use super::Conv;
use crate::op::window::Window;
use crate::op::{Case, Fill};

/// A window from kernel, stride, padding and dilation.
fn window([kernel, stride, padding, dilation]: [usize; 4]) -> Window {
    Window { kernel, stride, padding, dilation, ceil: false }
}

/// Images `[capacity, height, width, in]` to so many channels.
fn case(name: &str, rows: usize, x: [usize; 4], outputs: usize, taps: [usize; 4], bias: bool) -> Case {
    let kernel = taps[0];
    let mut inputs =
        vec![(x.into(), Fill::Normal(0.2, 1.0)), ([outputs, kernel, kernel, x[3]].into(), Fill::Normal(0.0, 1.0))];
    if bias {
        inputs.push(([outputs].into(), Fill::Normal(0.5, 1.0)));
    }
    Case::new(name, Conv { window: window(taps) }, rows, inputs)
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let mut extreme = case("extreme", 3, [3, 5, 4, 3], 5, [3, 1, 1, 1], true).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    vec![
        extreme,
        case("extreme dy", 2, [3, 5, 4, 3], 5, [3, 2, 0, 1], true).extreme_up(),
        case("1x1 of one pixel", 1, [1, 1, 1, 1], 1, [1, 1, 0, 1], true),
        case("same size, 3x8x8x3 of 4 rows", 3, [4, 8, 8, 3], 5, [3, 1, 1, 1], true),
        case("no bias, 2x9x7x5", 2, [2, 9, 7, 5], 6, [3, 2, 1, 1], false),
        case("no padding, 2x6x11x4", 2, [2, 6, 11, 4], 8, [5, 1, 0, 1], true),
        case("1x1 kernel, 3x5x4x12", 3, [3, 5, 4, 12], 7, [1, 1, 0, 1], true),
        case("1x1 kernel by strides, 3x7x6x8 of 5 rows", 3, [5, 7, 6, 8], 16, [1, 2, 0, 1], false),
        case("even kernel, 2x7x7x3", 2, [2, 7, 7, 3], 5, [2, 1, 0, 1], true),
        case("even kernel by strides, 2x8x9x2", 2, [2, 8, 9, 2], 3, [4, 3, 1, 1], true),
        case("dilation 2, 2x9x8x3", 2, [2, 9, 8, 3], 4, [3, 1, 2, 2], true),
        case("dilation 3 by strides, 1x11x13x2", 1, [1, 11, 13, 2], 3, [3, 2, 3, 3], false),
        case("more padding than image, 2x2x3x2", 2, [2, 2, 3, 2], 3, [3, 1, 4, 1], true),
        case("one pixel with a border, 3x1x1x5", 3, [3, 1, 1, 5], 4, [3, 1, 1, 1], true),
        case("a remainder that no tap reads, 2x8x8x1", 2, [2, 8, 8, 1], 3, [3, 3, 0, 1], true),
        case("stem 7 by 2, 2x13x14x3", 2, [2, 13, 14, 3], 8, [7, 2, 3, 1], false),
        case("several tiles, 9 of 10x6x5x13 to 67", 9, [10, 6, 5, 13], 67, [3, 1, 1, 1], true).not_smooth(),
        case("several tiles by strides, 5x9x9x66 to 70", 5, [5, 9, 9, 66], 70, [2, 2, 0, 1], true).not_smooth(),
        case("quads, 3 of 4x8x8x16 to 32", 3, [4, 8, 8, 16], 32, [3, 1, 1, 1], true).not_smooth(),
        case("quads by strides, 3 of 4x8x8x16 to 32", 3, [4, 8, 8, 16], 32, [3, 2, 1, 1], false).not_smooth(),
        case("split, 7 of 8x9x9x4 to 8", 7, [8, 9, 9, 4], 8, [3, 1, 1, 1], true).split(5).not_smooth(),
        case("split by strides, 6x11x9x3 to 5", 6, [6, 11, 9, 3], 5, [3, 2, 0, 1], false).split(3).not_smooth(),
    ]
}
