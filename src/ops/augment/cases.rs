//! Inputs for the checks of augmentation.

use super::Augment;
use crate::op::{Case, Fill};
use crate::ops::gather::TargetKind;

/// A pixel's width in a box's coordinates.
const ONE: u32 = 1 << 16;

/// What a case's boxes do to pictures of some sizes, each `[height, width]`.
struct Boxes {
    sizes: &'static [[u32; 2]],
    /// Largest offset of a box's top and left, in 65536ths of a pixel; half of the offsets are negative if `padded`.
    within: u32,
    padded: bool,
    /// Height and width of an output pixel, for the first box; they grow by a tenth from box to box if they are not whole pixels.
    step: [u32; 2],
    brightness: bool,
    contrast: bool,
}

impl Boxes {
    /// Bytes of all pictures.
    fn bytes(&self, channels: usize) -> usize {
        self.sizes.iter().map(|[height, width]| (height * width) as usize * channels).sum()
    }

    /// The words of so many boxes with so many output pixels, `[height, width]`.
    fn words(&self, count: usize, channels: u32, out: [u32; 2]) -> Vec<u32> {
        let mut words = vec![];
        for i in 0..count as u32 {
            let picture = (i as usize * 7 + 3) % self.sizes.len();
            let first: u32 = self.sizes[..picture].iter().map(|[height, width]| height * width * channels).sum();
            let size = self.sizes[picture];
            let whole = self.step == [ONE; 2];
            // Where they do not fit into the picture, the output pixels are made smaller.
            let step = [0, 1].map(|k| {
                let step = self.step[k] + self.step[k] / 10 * (i % 5);
                if whole { ONE } else { step.min(size[k] * ONE / out[k]) }
            });
            let place = |k: usize| {
                let (unit, most) = if whole { (ONE, self.within) } else { (1, size[k] * ONE - out[k] * step[k]) };
                let within = most.min(self.within) / unit + 1;
                let offset = i.wrapping_mul(2_654_435_761).rotate_left(7 * k as u32 + 3) % within * unit;
                if self.padded && (i as usize + k).is_multiple_of(2) { offset.wrapping_neg() } else { offset }
            };
            let factor = |is: bool, k: u32| if is { 0.4 + 0.3 * ((i + k) % 5) as f32 } else { 1.0 };
            let [brightness, contrast] = [factor(self.brightness, 0), factor(self.contrast, 2)].map(f32::to_bits);
            let row = (i * 5 + 1) % count as u32;
            let ([height, width], [top, left]) = (size, [place(0), place(1)]);
            let flip = u32::from(i % 3 == 1);
            words.extend([row, first, height, width, top, left, step[0], step[1], flip, brightness, contrast, 0]);
        }
        words
    }
}

const SAME: Boxes =
    Boxes { sizes: &[[6, 7]; 23], within: 0, padded: false, step: [ONE; 2], brightness: false, contrast: false };

/// A case of `rows` rows of `all`; `row` has channels, height and width, which a network without images takes as planes.
fn case(name: &str, boxes: &Boxes, [all, rows]: [usize; 2], picture: [usize; 3], reflect: bool, planes: bool) -> Case {
    let [channels, height, width] = picture;
    let features = channels * height * width;
    let row = if planes { vec![features] } else { vec![height, width, channels] };
    let target = if planes { TargetKind::Numbers(3) } else { TargetKind::Class };
    let taps = 2 * boxes.step.iter().map(|step| step.div_ceil(ONE) as usize * 2).max().unwrap_or(1) + 2;
    let batch = rows + 2;
    let augment = Augment { batch, row, picture, target, reflect, taps, contrast: boxes.contrast, largest: 255.0 };
    let inputs = vec![
        ([boxes.bytes(channels).div_ceil(4)].into(), Fill::Bytes),
        ([all, target.words()].into(), if planes { Fill::Normal(0.0, 1.0) } else { Fill::Below(10) }),
        ([all, super::BOX].into(), Fill::Words(boxes.words(all, channels as u32, [height as u32, width as u32]))),
        ([features].into(), Fill::Normal(100.0, 20.0)),
        ([features].into(), Fill::Normal(0.0, 0.02)),
    ];
    Case::new(name, augment, rows, inputs).not_smooth().start(all - rows)
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    const SIZES: &[[u32; 2]] = &[[5, 9], [31, 17], [8, 8], [40, 23], [11, 64], [1, 1]];
    const LARGE: &[[u32; 2]] = &[[31, 37], [40, 33], [64, 35]];
    let padded = Boxes { within: 3 * ONE, padded: true, ..SAME };
    let bright = Boxes { brightness: true, ..padded };
    let contrast = Boxes { brightness: true, contrast: true, ..padded };
    let larger = Boxes { sizes: SIZES, within: 2 * ONE + 777, step: [ONE / 2 + 99, ONE / 3], ..SAME };
    let smaller = Boxes { sizes: LARGE, within: 9 * ONE + 12_345, step: [2 * ONE + 7, ONE + ONE / 3], ..SAME };
    let squeezed = Boxes { sizes: LARGE, within: 3 * ONE, step: [9 * ONE / 2, 5 * ONE], contrast: true, ..SAME };
    vec![
        case("flip, 13 of 23x6x7x3", &SAME, [23, 13], [3, 6, 7], false, false),
        case("one pixel", &Boxes { sizes: &[[1, 1]], ..SAME }, [1, 1], [1, 1, 1], false, false),
        case("padded, 9 of 29x6x7x3", &padded, [29, 9], [3, 6, 7], false, false),
        case("mirrored edges, 31 of 40x6x7x1", &padded, [40, 31], [1, 6, 7], true, false),
        case("planes, mirrored edges, 11 of 17x3x6x7", &padded, [17, 11], [3, 6, 7], true, true),
        case("brightness, 21 of 33x6x7x4", &bright, [33, 21], [4, 6, 7], false, false),
        case("contrast, 7 of 19x6x7x3", &contrast, [19, 7], [3, 6, 7], false, false),
        case("contrast, grey, 5 of 9x6x7x1", &contrast, [9, 5], [1, 6, 7], true, false),
        case("contrast, planes, 7 of 19x3x6x7", &contrast, [19, 7], [3, 6, 7], false, true),
        case("enlarged, 8 of 12x5x9x3", &larger, [12, 8], [3, 5, 9], false, false),
        case("made smaller, 8 of 12x8x8x3", &smaller, [12, 8], [3, 8, 8], false, false),
        case("made smaller, planes, 6 of 7x3x8x5", &smaller, [7, 6], [3, 8, 5], false, true),
        case("made much smaller, contrast, 5 of 6x4x5x3", &squeezed, [6, 5], [3, 4, 5], false, false),
    ]
}
