//! Which rows of a data set lie on the device, where not all do.

use crate::data::Values;
use crate::data::augment::Drawn;
use crate::shape::channels_last;
use crate::threads;

/// A window over the order of an epoch.
///
/// The order is cut into pieces as long as half of the window, which lie in the window's two halves in turn: place p of the order
/// is row p modulo the window's rows.
#[derive(Debug)]
pub(super) struct Window {
    /// Rows of both halves.
    rows: usize,
    /// Rows of a batch.
    batch: usize,
    /// The order at work, by rows of the data set; empty while the programs read nothing from the window.
    order: Vec<u32>,
    /// The piece of the order that lies in each half.
    there: [Option<usize>; 2],
    /// What is to be learnt of each row of the data set, if that is written along with the rows.
    pub(super) targets: Vec<u32>,
}

impl Window {
    /// Of so many rows, each half of whole batches.
    pub(super) fn new(rows: usize, batch: usize) -> Self {
        Self { rows, batch, order: vec![], there: [None; 2], targets: vec![] }
    }

    /// Takes up an order, and gives the row of the window for each place of it.
    pub(super) fn begin(&mut self, order: &[u32]) -> Vec<u32> {
        self.order = order.to_vec();
        self.there = [None; 2];
        (0..order.len()).map(|at| (at % self.rows) as u32).collect()
    }

    /// Forgets the order: what runs next does not read from the window.
    pub(super) fn end(&mut self) {
        self.order.clear();
    }

    /// Steps that one half is good for, if the order at work is one of the window.
    pub(super) fn steps(&self) -> Option<usize> {
        (!self.order.is_empty()).then_some(self.rows / 2 / self.batch)
    }

    /// Takes note that a piece of the order comes into its half. Gives its first row in the window, and its rows of the data set;
    /// none if it lies there already, or the order ends before.
    pub(super) fn take(&mut self, piece: usize) -> Option<(usize, Vec<u32>)> {
        let (half, side) = (self.rows / 2, piece % 2);
        let rows = self.order.get(piece * half..)?;
        if rows.is_empty() || self.there[side] == Some(piece) {
            return None;
        }
        self.there[side] = Some(piece);
        Some((side * half, rows[..half.min(rows.len())].to_vec()))
    }

    /// The boxes of an order as they stand where its rows come into the window. With `features`, the bytes of a row, they are cut
    /// out of the rows themselves.
    pub(super) fn boxes(&self, boxes: &[Drawn], features: Option<usize>) -> Vec<Drawn> {
        let moved = |(at, drawn): (usize, &Drawn)| {
            let row = (at % self.rows) as u32;
            Drawn { row, first: features.map_or(drawn.first, |features| row * features as u32), ..*drawn }
        };
        boxes.iter().enumerate().map(moved).collect()
    }
}

/// Rows of the data set one behind the other, as words of the device; of images as they lie there, `[height, width, channels]`.
pub(super) fn gathered(values: &Values, rows: &[u32], features: usize, image: Option<[usize; 3]>) -> Vec<u32> {
    match values {
        Values::Bytes(bytes) => {
            let mut words = vec![0; (rows.len() * features).div_ceil(4)];
            let out: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
            gather(bytes, rows, features, image, &mut out[..rows.len() * features]);
            words
        }
        Values::Floats(floats) => {
            let mut out = vec![0.0; rows.len() * features];
            gather(floats, rows, features, image, &mut out);
            bytemuck::cast_vec(out)
        }
    }
}

fn gather<T: Copy + Send + Sync>(
    values: &[T],
    rows: &[u32],
    features: usize,
    image: Option<[usize; 3]>,
    out: &mut [T],
) {
    threads::for_chunks(out, features, |at, out| {
        let row = &values[rows[at] as usize * features..][..features];
        match image {
            Some([height, width, channels]) if channels > 1 => {
                out.copy_from_slice(&channels_last(row, height * width, channels));
            }
            _ => out.copy_from_slice(row),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_an_order_lie_in_two_halves_in_turn() {
        let mut window = Window::new(8, 2);
        assert_eq!((window.steps(), window.take(0)), (None, None));
        let order: Vec<u32> = (100..111).rev().collect();
        assert_eq!(window.begin(&order), [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2]);
        assert_eq!(window.steps(), Some(2));
        assert_eq!(window.take(0), Some((0, vec![110, 109, 108, 107])));
        assert_eq!(window.take(1), Some((4, vec![106, 105, 104, 103])));
        assert_eq!((window.take(0), window.take(1)), (None, None));
        assert_eq!(window.take(2), Some((0, vec![102, 101, 100])));
        assert_eq!((window.take(3), window.take(9)), (None, None));
        window.begin(&order[..4]);
        assert_eq!((window.take(0), window.take(1)), (Some((0, vec![110, 109, 108, 107])), None));
        window.end();
        assert_eq!(window.steps(), None);
    }

    #[test]
    fn rows_are_gathered_as_they_lie_on_the_device() {
        let bytes = Values::Bytes((0..18).collect());
        // Two channels of three pixels, the second of which stands in memory before the third of the first.
        assert_eq!(gathered(&bytes, &[2, 0], 6, Some([1, 3, 2])), [0x100d_0f0c, 0x0300_110e, 0x0502_0401]);
        assert_eq!(gathered(&bytes, &[1], 6, None), [0x0908_0706, 0x0b0a]);
        let floats = Values::Floats(vec![1.0, 2.0, 3.0, 4.0]);
        assert_eq!(gathered(&floats, &[1, 1], 2, None), [3.0f32, 4.0, 3.0, 4.0].map(f32::to_bits));
    }

    #[test]
    fn boxes_move_with_their_rows() {
        let window = Window::new(4, 1);
        let boxes: Vec<Drawn> = (0..6).map(|i| Drawn { row: 9 - i, first: 90, flip: i, ..Drawn::default() }).collect();
        let moved = window.boxes(&boxes, Some(10));
        assert_eq!(
            moved.iter().map(|b| (b.row, b.first)).collect::<Vec<_>>(),
            [(0, 0), (1, 10), (2, 20), (3, 30), (0, 0), (1, 10)]
        );
        assert_eq!((moved[5].flip, window.boxes(&boxes, None)[5].first), (5, 90));
    }
}
