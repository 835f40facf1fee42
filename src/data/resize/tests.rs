use super::*;

/// Height, width and channels of a made-up picture, the height and width it is brought to, and the CRC-32 of what Pillow
/// 13.0.0 makes of it: `Image.resize((width, height), Image.BILINEAR)`.
const CASES: [([usize; 3], [usize; 2], u32); 33] = [
    ([375, 500, 3], [256, 341], 0x8ce0ae46),
    ([333, 500, 3], [256, 384], 0x1a84c711),
    ([427, 640, 3], [256, 383], 0xc9c97fa6),
    ([500, 375, 1], [341, 256], 0x9858fb34),
    ([33, 47, 3], [17, 24], 0x0c6efee9),
    ([33, 47, 1], [64, 91], 0xe5540528),
    ([31, 40, 3], [64, 82], 0x2f4d4e79),
    ([32, 32, 3], [64, 64], 0xa658d81c),
    ([32, 32, 1], [8, 8], 0xaec7f8b2),
    ([32, 32, 3], [28, 28], 0x062a4120),
    ([28, 28, 1], [32, 32], 0x8cbd8f86),
    ([28, 28, 1], [27, 29], 0xd87b906c),
    ([17, 23, 3], [17, 11], 0x5e18571a),
    ([17, 23, 3], [9, 23], 0x9db4c5d2),
    ([1, 1, 3], [64, 64], 0x8a258aec),
    ([1, 7, 1], [5, 35], 0xa0ac6079),
    ([200, 3, 3], [1, 1], 0xa72f940b),
    ([100, 101, 1], [101, 100], 0x8e67132b),
    ([64, 48, 3], [63, 47], 0xb616b155),
    ([8, 8, 1], [13, 13], 0x63a976f9),
    ([2, 2, 3], [5, 5], 0xc8a1b8fc),
    ([300, 400, 3], [10, 13], 0x7ac34ce2),
    ([97, 89, 3], [224, 205], 0x74689ebc),
    ([5, 4, 1], [5, 4], 0x3144575c),
    ([480, 640, 3], [256, 341], 0x435e7f6c),
    ([1000, 20, 3], [2000, 40], 0x4ec29cf2),
    ([500, 100, 3], [320, 64], 0x99cda4cf),
    ([333, 250, 3], [290, 251], 0x419fb7c2),
    ([900, 300, 1], [300, 100], 0x5c0a5fd7),
    ([3000, 200, 3], [1000, 101], 0xb1af0c50),
    ([640, 427, 3], [383, 256], 0xab9e1f76),
    ([1200, 1000, 3], [300, 550], 0x64103b3c),
    ([1200, 1000, 3], [299, 550], 0xb07cfd85),
];

fn source([height, width, channels]: [usize; 3]) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |c| (y, x, c))));
    places.map(|(y, x, c)| ((x * x * 7 + y * 13 * (c + 1) + x * y * 3 + (x ^ y) * 5) % 256) as u8).collect()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn the_bytes_are_those_of_pillow() {
    for (size, to, wanted) in CASES {
        let found = resize(&source(size), [size[0], size[1]], to, Window::whole(to));
        assert_eq!((found.len(), crc(&found)), (to[0] * to[1] * size[2], wanted), "{size:?} to {to:?}");
    }
    let small = resize(&source([4, 6, 1]), [4, 6], [3, 4], Window::whole([3, 4]));
    assert_eq!(small, [9, 40, 99, 182, 32, 60, 124, 139, 54, 80, 149, 96]);
    let large = resize(&source([2, 3, 3]), [2, 3], [3, 5], Window::whole([3, 5]));
    let wanted = [
        0, 0, 0, 5, 5, 5, 12, 12, 12, 28, 28, 28, 38, 38, 38, 9, 16, 22, 13, 19, 26, 18, 24, 31, 37, 44, 50, 50, 57,
        63, 18, 31, 44, 20, 33, 46, 23, 36, 49, 46, 59, 72, 62, 75, 88,
    ];
    assert_eq!(large, wanted);
}

#[test]
fn a_part_is_that_of_the_whole() {
    for ([height, width, channels], to, _) in CASES {
        let pixels = source([height, width, channels]);
        let whole = resize(&pixels, [height, width], to, Window::whole(to));
        let part = Window { first: [to[0] / 3, to[1] / 4], size: [to[0].div_ceil(2), to[1].div_ceil(3)] };
        let rows = whole.chunks(to[1] * channels).skip(part.first[0]).take(part.size[0]);
        let row = |row: &[u8]| row[part.first[1] * channels..][..part.size[1] * channels].to_vec();
        let wanted: Vec<u8> = rows.flat_map(row).collect();
        assert_eq!(resize(&pixels, [height, width], to, part), wanted, "{height}x{width} to {to:?}");
    }
}

/// As Python's `round` has it: 15.5 is 16 and so is 16.5, 17.5 is 18.
#[test]
fn halves_of_the_rest_are_rounded_to_even() {
    let first = |of: usize| Window::middle([of, 10], [4, 10]).map(|part| part.first);
    for (rest, wanted) in [(0, 0), (1, 0), (2, 1), (3, 2), (31, 16), (33, 16), (35, 18)] {
        assert_eq!(first(4 + rest), Some([wanted, 0]), "{rest}");
    }
    assert_eq!(first(3), None);
}
