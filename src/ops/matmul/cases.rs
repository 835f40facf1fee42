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

/// Results of one product each, of numbers that test the rule of rounding to float16: halfway between two, around the
/// largest, and between 0 and the smallest.
fn edges_of_f16() -> Case {
    let values = [2049.0, 2051.0, -2049.0, 1.0004883, 1.0014648, 0.33333, 65504.0, 65519.9, 65520.0, -1e6, 6e-8, 1e-9];
    let words = values.iter().map(|v: &f32| v.to_bits()).collect();
    let ones = Fill::Words(vec![1f32.to_bits(); 3]);
    let inputs = vec![([values.len(), 1].into(), Fill::Words(words)), ([3, 1].into(), ones)];
    Case::new("edges of float16, 12x1x3", Matmul { relu: false }, values.len(), inputs).not_smooth()
}

/// Infinities at the ends of sums and at the beginnings of the next rows: a kernel that reads on gets NaN, even if it multiplies
/// by 0. Even rows of the value, and every other column of them, are numbers.
fn infinite_ends(name: &str, rows: usize, sizes: [usize; 3]) -> Case {
    let mut ends = case(name, rows, sizes, true, false).not_smooth();
    let [_, k, n] = sizes;
    let last_row = ((rows - 1) * k..rows * k).step_by(2);
    let odd = |rows: usize| (k..rows * k).step_by(2 * k);
    let last_column = (k - 1..n * k).step_by(4 * k);
    for (index, places) in [last_row.chain(odd(rows)), last_column.chain(odd(n))].into_iter().enumerate() {
        let (shape, fill) = &mut ends.inputs[index];
        let mut words = fill.words(shape, index as u32);
        places.for_each(|place| words[place] = f32::INFINITY.to_bits());
        *fill = Fill::Words(words);
    }
    ends
}

/// So many groups that every family splits a sum into as many parts as it has steps.
const MANY: u32 = 4096;

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let full = |name: &str, sizes: [usize; 3]| case(name, sizes[0], sizes, true, false);
    let mut extreme = case("extreme", 5, [5, 12, 9], true, true).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    // Far from the kink, so that differences can be taken: half of the outputs are on, half off.
    let mut far = case("relu far from 0, odd sizes", 21, [24, 19, 11], true, true);
    far.inputs[2].1 = Fill::Words((0..11).map(|j| if j % 2 == 0 { 40f32 } else { -40f32 }.to_bits()).collect());
    let mut extreme_weights = case("extreme weights 70x21x70", 70, [70, 21, 70], true, false).not_smooth();
    extreme_weights.inputs[1].1 = Fill::Extreme;
    let plain = vec![
        full("1x1x1", [1, 1, 1]),
        full("a batch of one, 1x3x5", [1, 3, 5]),
        full("a batch of two, 2x3x5", [2, 3, 5]),
        full("3x5x7", [3, 5, 7]),
        full("3x5x512", [3, 5, 512]),
        full("17x13x31", [17, 13, 31]),
        full("23x22x14", [23, 22, 14]),
        full("33x14x22", [33, 14, 22]),
        full("one past a tile: 65x17x65", [65, 17, 65]),
        full("several tiles: 130x68x132", [130, 68, 132]),
        case("several tiles, no bias, 150 of 260x132x196", 150, [260, 132, 196], false, false),
        case("several tiles, relu, 257x68x68", 257, [257, 68, 68], true, true).not_smooth(),
        case("no bias 33x20x24", 33, [33, 20, 24], false, false),
        case("partial batch 105 of 128, 36 to 40", 105, [128, 36, 40], true, false),
        case("partial batch of one row", 1, [19, 8, 12], true, false),
        case("relu 37x24x40", 37, [37, 24, 40], true, true).not_smooth(),
        far,
        case("split sum 16x520x20", 15, [16, 520, 20], true, false).split(64),
        case("split sum, relu, 7x131x5", 7, [7, 131, 5], true, true).split(8).not_smooth(),
        case("split sum, no bias", 300, [300, 9, 6], false, false).split(16),
        case("split sum, no bias, 15 of 16x520x20", 15, [16, 520, 20], false, false).split(MANY),
        case("split sum of dy W, 15 of 16x20x1300", 15, [16, 20, 1300], true, false).split(MANY),
        case("no bias, odd, 130 of 133x67x131", 130, [133, 67, 131], false, false),
        case("relu, odd, 130 of 133x67x131", 130, [133, 67, 131], true, true).not_smooth(),
        case("several tiles, relu, 250 of 257x68x68", 250, [257, 68, 68], true, true).not_smooth(),
        full("several tiles: 129x68x72", [129, 68, 72]),
        full("several tiles: 193x68x132", [193, 68, 132]),
        case("odd, no bias, 37 of 40x17x31", 37, [40, 17, 31], false, false),
        case("odd, relu, 35 of 40x17x30", 35, [40, 17, 30], true, true).not_smooth(),
        case("split sum of dy W, odd, 15 of 16x21x523", 15, [16, 21, 523], true, false).split(MANY),
        case("split sum, no bias, 40 of 48x260x36", 40, [48, 260, 36], false, false).split(MANY),
        case("split sum, 40 of 48x260x36", 40, [48, 260, 36], true, false).split(MANY),
        case("split sum, no bias, 16x520x32", 16, [16, 520, 32], false, false).split(MANY),
        case("split sum, 16x520x32", 16, [16, 520, 32], true, false).split(MANY),
        infinite_ends("infinite ends, 70x21x70", 70, [72, 21, 70]),
        infinite_ends("infinite ends, several tiles, 130x68x132", 130, [132, 68, 132]),
        extreme_weights,
        edges_of_f16(),
        extreme,
        case("extreme dy", 5, [5, 12, 9], true, false).extreme_up(),
        case("extreme dy, relu", 5, [5, 12, 9], true, true).extreme_up(),
    ];
    plain.into_iter().chain(super::jobs::cases()).collect()
}
