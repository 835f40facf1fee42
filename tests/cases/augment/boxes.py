"""The boxes of augmentation, computed apart from the program: prints boxes.csv.

Philox 4x32-10 (Salmon et al. 2011) with key = seed and counter = (block, row, epoch, 5). Words in order: flip, brightness,
contrast, shorter side; in block 1: top, left; in block 2 of epoch 0: whether a picture begins mirrored.
"""
import struct

MASK = 2**32 - 1


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def factor(word, by):
    low = max(1 - by, 0.0)
    return low + word / 2**32 * (1 + by - low)


def box(seed, row, epoch, size, out, flip, padding, scale, brightness, contrast):
    words = lambda block, of: philox((block, row, of, 5), (seed & MASK, seed >> 32))
    f, b, c, side = words(0, epoch)
    places = words(1, epoch)[:2]
    mirrored = (words(2, 0)[0] ^ epoch) & 1 == 1 if flip == "alternate" else flip is not None and f / 2**32 < flip
    height, width = size
    if scale is None:
        sized = size
    else:
        short = scale[0] + (side * (scale[1] - scale[0] + 1) >> 32)
        sized = (short, short * width // height) if height <= width else (short * height // width, short)
    tops, steps = [], []
    for i in range(2):
        room = max(sized[i] + 2 * padding - out[i], 0)
        offset = (places[i] * (room + 1) >> 32) - padding
        tops.append(offset * size[i] * 65536 // sized[i])
        steps.append((size[i] * 65536 + sized[i] // 2) // sized[i])
    f32 = lambda value: struct.unpack("<I", struct.pack("<f", value))[0]
    return [*tops, *steps, int(mirrored), f32(factor(b, brightness)), f32(factor(c, contrast))]


CASES = [
    # seed, row, epoch, size, out, flip, padding, scale, brightness, contrast
    *[(7, row, epoch, (32, 32), (32, 32), 0.5, 4, None, 0.0, 0.0) for row in range(8) for epoch in (0, 1, 300)],
    *[(2**40 + 5, row, 2, (375, 500), (224, 224), "alternate", 0, (256, 480), 0.4, 0.4) for row in range(8)],
    *[(0, row * 4099, 9, (333, 40 + row), (32, 28), None, 0, (40, 40), 0.2, 1.5) for row in range(8)],
]

print("seed,row,epoch,height,width,out_height,out_width,flip,padding,low,high,brightness,contrast,"
      "top,left,step_y,step_x,mirrored,brightness_bits,contrast_bits")
for seed, row, epoch, size, out, flip, padding, scale, b, c in CASES:
    given = [seed, row, epoch, *size, *out, flip or 0, padding, *(scale or (0, 0)), b, c]
    print(*given, *box(seed, row, epoch, size, out, flip, padding, scale, b, c), sep=",")
