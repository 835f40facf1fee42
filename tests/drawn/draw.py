"""Draws twenty digits as a hand with a pen would: python draw.py (needs Pillow) writes the PNG files beside it.

black_on_white_N.png: a black stroke on white that about fills the frame, as on paper.
off_centre_N.png: a thinner white stroke on black, smaller and somewhere in the frame.

A digit is one or more strokes; a stroke is a smooth curve through points in a box from (0, 0), upper left, to (1, 1).
Slant, proportions, a shake of the hand and the place are drawn from a fixed seed. None is a picture of a data set.
"""
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

FRAME = 140
FINER = 4

STROKES = {
    0: [[(.55, .02), (.18, .18), (.06, .52), (.20, .88), (.52, .98), (.84, .80), (.94, .45), (.80, .14), (.50, .02)]],
    1: [[(.32, .22), (.56, .02), (.54, .40), (.50, .98)]],
    2: [[(.10, .26), (.28, .05), (.66, .04), (.84, .26), (.66, .54), (.34, .78), (.08, .96)], [(.08, .96), (.45, .93), (.92, .95)]],
    3: [[(.14, .12), (.46, .02), (.78, .14), (.74, .36), (.42, .48)], [(.42, .48), (.80, .58), (.84, .84), (.50, .99), (.10, .88)]],
    4: [[(.40, .03), (.24, .36), (.08, .62), (.48, .62), (.92, .60)], [(.70, .28), (.66, .62), (.62, .98)]],
    5: [[(.82, .04), (.50, .05), (.24, .06)], [(.24, .06), (.20, .28), (.16, .46)], [(.16, .46), (.48, .38), (.82, .54), (.80, .84), (.46, .98), (.10, .90)]],
    6: [[(.72, .03), (.36, .24), (.14, .60), (.24, .92), (.58, .97), (.80, .76), (.66, .56), (.36, .58), (.17, .76)]],
    7: [[(.10, .08), (.45, .06), (.88, .06)], [(.88, .06), (.64, .42), (.46, .70), (.36, .98)]],
    8: [[(.74, .14), (.46, .02), (.20, .18), (.34, .40), (.66, .58), (.80, .82), (.48, .98), (.18, .82), (.34, .56), (.66, .38), (.78, .16)]],
    9: [[(.80, .22), (.50, .04), (.20, .22), (.30, .46), (.62, .44), (.80, .22)], [(.80, .22), (.76, .56), (.64, .98)]],
}


def curve(points, steps=24):
    """A Catmull-Rom curve through all points."""
    ends = [points[0], *points, points[-1]]
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:]):
        for step in range(steps):
            t = step / steps
            yield tuple(0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t ** 2 + (3 * q - p - 3 * r + s) * t ** 3)
                        for p, q, r, s in zip(a, b, c, d))
    yield points[-1]


def drawn(digit, chance, ground, ink, size, pen, place):
    """The digit as high as `size` with a pen of that width, its middle at `place`: all as shares of the frame."""
    side = FRAME * FINER
    image = Image.new("L", (side, side), ground)
    draw = ImageDraw.Draw(image)
    slant, wide, turn = chance.uniform(-.05, .25), chance.uniform(.58, .72), math.radians(chance.uniform(-6, 6))
    for stroke in STROKES[digit]:
        shaken = [(x + chance.gauss(0, .015), y + chance.gauss(0, .015)) for x, y in stroke]
        for x, y in curve(shaken):
            x, y = (x - .5) * wide + slant * (.5 - y), y - .5
            x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
            x, y = (place[0] + x * size) * side, (place[1] + y * size) * side
            r = pen * side / 2
            draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return image.resize((FRAME, FRAME), Image.Resampling.BOX)


def main():
    chance = random.Random(20)
    folder = Path(__file__).parent
    for digit in STROKES:
        middle = (chance.uniform(.47, .53), chance.uniform(.47, .53))
        paper = drawn(digit, chance, 255, 0, chance.uniform(.66, .78), chance.uniform(.07, .09), middle)
        paper.save(folder / f"black_on_white_{digit}.png", optimize=True)
        corner = (chance.choice([.27, .73]) + chance.uniform(-.05, .05), chance.choice([.3, .7]) + chance.uniform(-.04, .04))
        board = drawn(digit, chance, 0, 255, chance.uniform(.36, .46), chance.uniform(.04, .055), corner)
        board.save(folder / f"off_centre_{digit}.png", optimize=True)


main()
