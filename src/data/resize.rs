//! Resizing as Pillow does it with its bilinear filter, to the byte.
//!
//! Each side by itself: a new pixel is a weighted mean of old ones, and the weights fall linearly with the distance from its
//! centre. Where a picture is made smaller, the triangle is as much wider as the pixels are, so that no pixel is left out
//! (antialiasing). Weights are integers of 22 bits; the result of the first pass is rounded to bytes
//! (`Resample.c` of Pillow 13.0.0).

/// Bits of a weight's fraction: 32 less 8 of a value and 2 to spare.
const BITS: u32 = 22;

/// A part of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Its first row and its first column.
    pub(super) first: [usize; 2],
    /// Its height and its width.
    pub(super) size: [usize; 2],
}

impl Window {
    /// The whole of a picture of some height and width.
    pub(super) fn whole(size: [usize; 2]) -> Self {
        Self { first: [0, 0], size }
    }

    /// The middle of a picture of a height and width: of an odd rest, the half is rounded to the even place. There is none if
    /// the picture is smaller.
    pub(super) fn middle(of: [usize; 2], size: [usize; 2]) -> Option<Self> {
        let first = |axis: usize| {
            let rest = of[axis].checked_sub(size[axis])?;
            Some(rest / 2 + usize::from(rest % 4 == 3))
        };
        Some(Self { first: [first(0)?, first(1)?], size })
    }
}

/// A part of the picture that a picture becomes when it is brought to another size. Pixels are `[height, width, channels]`, of
/// one or three channels.
///
/// # Panics
/// The pixels are not those of `from`, a side is 0, or the part is not in the picture.
pub(super) fn resize(pixels: &[u8], from: [usize; 2], to: [usize; 2], part: Window) -> Vec<u8> {
    let channels = pixels.len() / (from[0] * from[1]);
    assert_eq!(channels * from[0] * from[1], pixels.len(), "pixels are whole");
    match channels {
        1 => parts::<1>(pixels, from, to, part),
        3 => parts::<3>(pixels, from, to, part),
        _ => panic!("pictures have 1 or 3 channels, not {channels}"),
    }
}

fn parts<const C: usize>(pixels: &[u8], from: [usize; 2], to: [usize; 2], part: Window) -> Vec<u8> {
    let [down, across] = [0, 1].map(|axis| {
        let changes = from[axis] != to[axis];
        changes.then(|| Taps::new(from[axis], to[axis], part.first[axis], part.size[axis]))
    });
    let used = |axis: usize, taps: &Option<Taps>| match taps {
        None => part.first[axis]..part.first[axis] + part.size[axis],
        Some(taps) => taps.first()..taps.end(),
    };
    let (rows, columns) = (used(0, &down), used(1, &across));
    let row = |y: usize| &pixels[(y * from[1] + columns.start) * C..(y * from[1] + columns.end) * C];
    let old = rows.map(row);
    match (down, across) {
        (None, None) => old.flatten().copied().collect(),
        (Some(down), None) => down.down(old.collect()),
        (None, Some(across)) => across.across::<C>(old),
        (Some(down), Some(across)) if down_first(from, to) => {
            let new = down.down(old.collect());
            across.across::<C>(new.chunks_exact(columns.len() * C))
        }
        (Some(down), Some(across)) => {
            let new = across.across::<C>(old);
            down.down(new.chunks_exact(part.size[1] * C).collect())
        }
    }
}

/// Whether the pass down comes before the one across, as it does in Pillow 13 where it takes off more than twice as much.
fn down_first(from: [usize; 2], to: [usize; 2]) -> bool {
    to[0] < from[0] && from[0] + 2 * to[1] > to[0] + 2 * from[1]
}

/// The weights of some new pixels along one side.
struct Taps {
    /// The first old pixel of each, and how many there are.
    places: Vec<[usize; 2]>,
    /// The weights, as many for each as the most that one has.
    weights: Vec<i32>,
    most: usize,
}

impl Taps {
    /// For `count` new pixels from the place `first`, where a side of `old` pixels becomes one of `new`.
    fn new(old: usize, new: usize, first: usize, count: usize) -> Self {
        let scale = old as f64 / new as f64;
        let support = scale.max(1.0);
        let most = 2 * support.ceil() as usize + 1;
        let (mut places, mut weights) = (Vec::with_capacity(count), vec![0; count * most]);
        for (at, weights) in (first..first + count).zip(weights.chunks_exact_mut(most)) {
            let centre = (at as f64 + 0.5) * scale;
            // Both are cut off, and what is below 0 becomes 0.
            let start = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(old);
            let weight = |x: usize| (1.0 - ((x as f64 - centre + 0.5) * (1.0 / support)).abs()).max(0.0);
            let sum: f64 = (start..end).map(weight).sum();
            for (x, to) in (start..end).zip(weights) {
                let share = if sum == 0.0 { weight(x) } else { weight(x) / sum };
                *to = (0.5 + share * f64::from(1 << BITS)) as i32;
            }
            places.push([start, end - start]);
        }
        Self { places, weights, most }
    }

    /// The first old pixel that is used.
    fn first(&self) -> usize {
        self.places.first().map_or(0, |place| place[0])
    }

    /// The old pixel behind the last one that is used.
    fn end(&self) -> usize {
        self.places.iter().map(|[start, count]| start + count).max().unwrap_or(0)
    }

    fn each(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let weights = self.weights.chunks_exact(self.most);
        self.places.iter().zip(weights).map(|([start, count], weights)| (*start, &weights[..*count]))
    }

    /// Rows of new pixels, out of rows that begin with the first old one that is used.
    fn across<'a, const C: usize>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.size_hint().0 * self.places.len() * C);
        for row in rows {
            let (pixels, _) = row.as_chunks::<C>();
            for (start, weights) in self.each() {
                let mut sums = [1 << (BITS - 1); C];
                for (pixel, weight) in pixels[start - self.first()..].iter().zip(weights) {
                    (0..C).for_each(|channel| sums[channel] += i32::from(pixel[channel]) * weight);
                }
                out.extend(sums.map(byte));
            }
        }
        out
    }

    /// New rows, out of rows of which the first is the first that is used.
    fn down(&self, rows: Vec<&[u8]>) -> Vec<u8> {
        let width = rows.first().map_or(0, |row| row.len());
        let (mut out, mut sums) = (Vec::with_capacity(self.places.len() * width), vec![0; width]);
        for (start, weights) in self.each() {
            sums.fill(1 << (BITS - 1));
            for (row, weight) in rows[start - self.first()..].iter().zip(weights) {
                sums.iter_mut().zip(*row).for_each(|(sum, value)| *sum += i32::from(*value) * weight);
            }
            out.extend(sums.iter().map(|sum| byte(*sum)));
        }
        out
    }
}

fn byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests;
