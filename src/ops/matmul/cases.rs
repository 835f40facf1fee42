//! Inputs with which the products are checked: one, primes, one past a tile, several tiles, partial batches, split sums.

use super::Matmul;
use crate::op::{Case, Fill};

fn case(name: &str, rows: usize, [capacity, k, n]: [usize; 3], bias: bool, relu: bool) -> Case {
    let mut inputs = vec![([capacity, k].into(), Fill::Normal(0.2, 1.0)), ([n, k].into(), Fill::Normal(0.0, 1.0))];
    if bias {
        inputs.push(([n].into(), Fill::Normal(0.5, 1.0)));
    }
    Case::new(name, Matmul { relu }, rows, inputs)
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let full = |name: &str, sizes: [usize; 3]| case(name, sizes[0], sizes, true, false);
    let mut extreme = case("extreme", 5, [5, 12, 9], true, true).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    // Far from the kink, so that differences can be taken: half of the outputs are on, half off.
    let mut far = case("relu far from 0, odd sizes", 21, [24, 19, 11], true, true);
    far.inputs[2].1 = Fill::Words((0..11).map(|j| if j % 2 == 0 { 40f32 } else { -40f32 }.to_bits()).collect());
    let plain = vec![
        full("1x1x1", [1, 1, 1]),
        full("3x5x7", [3, 5, 7]),
        full("17x13x31", [17, 13, 31]),
        full("one past a tile: 65x17x65", [65, 17, 65]),
        full("several tiles: 130x68x132", [130, 68, 132]),
        case("no bias 33x20x24", 33, [33, 20, 24], false, false),
        case("partial batch 105 of 128, 36 to 40", 105, [128, 36, 40], true, false),
        case("partial batch of one row", 1, [19, 8, 12], true, false),
        case("relu 37x24x40", 37, [37, 24, 40], true, true).not_smooth(),
        far,
        case("split sum 16x520x20", 15, [16, 520, 20], true, false).split(64),
        case("split sum, relu, 7x131x5", 7, [7, 131, 5], true, true).split(8).not_smooth(),
        case("split sum, no bias", 300, [300, 9, 6], false, false).split(16),
        extreme,
        case("extreme dy", 5, [5, 12, 9], true, false).extreme_up(),
        case("extreme dy, relu", 5, [5, 12, 9], true, true).extreme_up(),
    ];
    plain.into_iter().chain(super::jobs::cases()).collect()
}
