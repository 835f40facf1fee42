//! Work that is cut into pieces, which are handed out to whoever is free.

use super::{count, join};
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use std::sync::{Mutex, PoisonError};

/// Below this many elements a loop stays on the calling thread: waking another costs more than it saves.
pub const WORTH_A_THREAD: usize = 16 * 1024;

/// Whether a loop over so many elements, in chunks of this size, is worth more than one thread.
fn is_worth(elements: usize, size: usize) -> bool {
    elements > size && elements >= WORTH_A_THREAD && count() > 1
}

/// What can be cut in two for threads: slices, columns of a matrix, and several of them of one size together.
pub trait Pieces: Send + Sized {
    /// Elements or columns of each.
    fn size(&self) -> usize;

    /// Both parts of a cut before an element or column.
    fn cut(self, at: usize) -> (Self, Self);
}

impl<T: Send> Pieces for &mut [T] {
    fn size(&self) -> usize {
        self.len()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl Pieces for ArrayView2<'_, f32> {
    fn size(&self) -> usize {
        self.ncols()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(Axis(1), at)
    }
}

impl Pieces for ArrayViewMut2<'_, f32> {
    fn size(&self) -> usize {
        self.ncols()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(Axis(1), at)
    }
}

impl<A: Pieces, B: Pieces> Pieces for (A, B) {
    fn size(&self) -> usize {
        self.0.size()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let ((a, a2), (b, b2)) = (self.0.cut(at), self.1.cut(at));
        ((a, b), (a2, b2))
    }
}

impl<A: Pieces, B: Pieces, C: Pieces> Pieces for (A, B, C) {
    fn size(&self) -> usize {
        self.0.size()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let ((a, a2), (b, b2), (c, c2)) = (self.0.cut(at), self.1.cut(at), self.2.cut(at));
        ((a, b, c), (a2, b2, c2))
    }
}

/// Calls `work(index of the chunk, chunk)` for every `size` elements of `data`, each of which stands for `each` elements of
/// work: those of its column, say.
pub fn for_pieces<P: Pieces>(data: P, size: usize, each: usize, work: impl Fn(usize, P) + Sync) {
    let workers = if is_worth(data.size() * each, size * each) { count() } else { 1 };
    share(data, [size, usize::MAX], &mut vec![(); workers][..], 1, |_, first, piece| chunks(first, piece, size, &work));
}

/// Calls `work(number of the data, index of the chunk, chunk)` for every chunk of several data, each with its size.
pub fn for_parts<P: Pieces, const N: usize>(data: [(P, usize); N], work: impl Fn(usize, usize, P) + Sync) {
    let sizes = data.each_ref().map(|(_, size)| *size);
    let [all, largest] = [data.iter().map(|(data, _)| data.size()).sum(), sizes.iter().copied().fold(0, usize::max)];
    let workers = if is_worth(all, largest) { count() } else { 1 };
    let works = data.map(|(data, size)| Work { data, sizes: [size, usize::MAX], each: 1 });
    share_all(works, &mut vec![(); workers][..], 1, |_, [number, first], piece| {
        chunks(first, piece, sizes[number], |index, chunk| work(number, index, chunk));
    });
}

fn chunks<P: Pieces>(first: usize, mut rest: P, size: usize, work: impl Fn(usize, P)) {
    for chunk in first / size.. {
        let left = rest.size();
        let (data, after) = rest.cut(size.min(left));
        work(chunk, data);
        if left <= size {
            return;
        }
        rest = after;
    }
}

/// Calls `work(index of the chunk, chunk)` for every `size` elements of `data`.
pub fn for_chunks<T: Send>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    for_pieces(data, size, 1, work);
}

/// Work that is handed out in pieces.
pub struct Work<P> {
    /// What is cut into pieces.
    pub data: P,
    /// Elements of the smallest piece, of which pieces begin at multiples, and of the largest.
    pub sizes: [usize; 2],
    /// How much work an element is, by a measure that is the same for all that is handed out together.
    pub each: usize,
}

/// Hands out `data` in pieces to whoever is free, and calls `work(room, first element of the piece, piece)`. A thread works
/// for each `size` elements of `rooms`, which are its own meanwhile. Sizes are those of [`Work`].
pub fn share<P: Pieces, R: Pieces>(
    data: P,
    sizes: [usize; 2],
    rooms: R,
    size: usize,
    work: impl Fn(&mut R, usize, P) + Sync,
) {
    share_all([Work { data, sizes, each: 1 }], rooms, size, |room, [_, first], piece| work(room, first, piece));
}

/// As [`share`], of several works one after the other, without a wait in between: calls `work(room, [number of the work,
/// first element of the piece], piece)`.
///
/// Pieces are large at first and small in the end, for threads are not equally fast (Polychronopoulos & Kuck 1987, "Guided
/// self-scheduling"). Every other thread takes them from the front and the others from the back, so that those of two
/// threads work where they did the last time.
pub fn share_all<P: Pieces, R: Pieces, const N: usize>(
    works: [Work<P>; N],
    rooms: R,
    size: usize,
    work: impl Fn(&mut R, [usize; 2], P) + Sync,
) {
    let workers = rooms.size() / size;
    if workers == 1 {
        return alone(works, rooms, &work);
    }
    let rest =
        Mutex::new(works.map(|work| Rest { first: 0, sizes: work.sizes, each: work.each, data: Some(work.data) }));
    let next = |from_front: bool| take(&mut *rest.lock().unwrap_or_else(PoisonError::into_inner), workers, from_front);
    serve(rooms, size, 0, &next, &work);
}

/// All pieces, as large as they may be, on the calling thread.
fn alone<P: Pieces, R, const N: usize>(works: [Work<P>; N], mut room: R, work: &impl Fn(&mut R, [usize; 2], P)) {
    for (number, Work { data: mut rest, sizes: [least, most], .. }) in works.into_iter().enumerate() {
        let (mut first, size) = (0, (most / least * least).max(least));
        while rest.size() > 0 {
            let left = rest.size();
            let (piece, after) = rest.cut(size.min(left));
            work(&mut room, [number, first], piece);
            (first, rest) = (first + size.min(left), after);
        }
    }
}

fn serve<P: Pieces, R: Pieces>(
    mut rooms: R,
    size: usize,
    first: usize,
    next: &(impl Fn(bool) -> Option<([usize; 2], P)> + Sync),
    work: &(impl Fn(&mut R, [usize; 2], P) + Sync),
) {
    let half = rooms.size() / size / 2;
    if half > 0 {
        let (rooms, others) = rooms.cut(half * size);
        return join(|| serve(rooms, size, first, next, work), || serve(others, size, first + half, next, work));
    }
    while let Some((at, piece)) = next(first.is_multiple_of(2)) {
        work(&mut rooms, at, piece);
    }
}

/// What has not been handed out of a work.
struct Rest<P> {
    first: usize,
    sizes: [usize; 2],
    each: usize,
    data: Option<P>,
}

/// The next piece, the number of its work and its first element.
fn take<P: Pieces>(rest: &mut [Rest<P>], workers: usize, from_front: bool) -> Option<([usize; 2], P)> {
    let left = rest.iter().map(|rest| rest.data.as_ref().map_or(0, Pieces::size) * rest.each).sum();
    rest.iter_mut().enumerate().find_map(|(number, rest)| {
        let (first, piece) = rest.take(left, workers, from_front)?;
        Some(([number, first], piece))
    })
}

impl<P: Pieces> Rest<P> {
    /// The next piece and its first element, where so much work is left in all.
    fn take(&mut self, left: usize, workers: usize, from_front: bool) -> Option<(usize, P)> {
        let (data, [least, most]) = (self.data.take()?, self.sizes);
        let (first, size) = (self.first, data.size());
        let wanted = (left / self.each.max(1) / workers + least) / 2;
        let count = (wanted.min(most) / least * least).max(least).min(size);
        if count == size {
            return (size > 0).then_some((first, data));
        }
        if from_front {
            let (piece, rest) = data.cut(count);
            (self.first, self.data) = (first + count, Some(rest));
            return Some((first, piece));
        }
        let at = (size - count).next_multiple_of(least);
        let (rest, piece) = data.cut(at);
        self.data = Some(rest);
        Some((first + at, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::super::with;
    use super::*;

    #[test]
    fn every_element_is_handed_out_once() {
        for (size, [least, most]) in
            [(0, [1, 1]), (1, [8, 8]), (7, [2, 3]), (64, [8, 16]), (1001, [16, 64]), (1001, [1, 2000])]
        {
            for workers in [1, 2, 3, 7] {
                let mut counts = vec![0; size];
                let mut rooms = vec![0; 2 * workers];
                let taken = |room: &mut &mut [i32], first: usize, piece: &mut [i32]| {
                    assert!(
                        first.is_multiple_of(least) && (1..=most).contains(&piece.len()),
                        "{first}, {}",
                        piece.len()
                    );
                    assert_eq!(room.len(), 2, "a worker's own room");
                    room[0] += piece.len() as i32;
                    piece.iter_mut().zip(first as i32..).for_each(|(count, at)| *count += 1 + at);
                };
                with(workers, || share(&mut counts[..], [least, most], &mut rooms[..], 2, taken));
                // By its place, so that a piece of another first element is noticed.
                assert!(counts.iter().zip(0..).all(|(count, at)| *count == 1 + at), "{size} in {least} to {most}");
                assert_eq!(rooms.iter().sum::<i32>(), size as i32);
            }
        }
    }

    #[test]
    fn works_are_handed_out_together() {
        for workers in [1, 2, 3] {
            let mut data = [vec![0; 70], vec![0; 0], vec![0; 33], vec![0; 1]];
            let [a, b, c, d] = &mut data;
            let work = |data, each| Work { data, sizes: [8, 16], each };
            let works = [work(&mut a[..], 3), work(&mut b[..], 1), work(&mut c[..], 1), work(&mut d[..], 0)];
            with(workers, || {
                share_all(works, &mut vec![(); workers][..], 1, |_, [number, first], piece: &mut [usize]| {
                    assert!(first.is_multiple_of(8) && (1..=16).contains(&piece.len()), "{first}, {}", piece.len());
                    piece.iter_mut().zip(first..).for_each(|(value, at)| *value += 1000 * (number + 1) + at);
                });
            });
            for (data, number) in data.iter().zip(1..) {
                assert!(data.iter().enumerate().all(|(at, value)| *value == 1000 * number + at), "{workers}, {number}");
            }
        }
    }

    #[test]
    fn chunks_of_several_data_have_their_numbers() {
        for threads in [1, 3] {
            let mut data = [vec![0; WORTH_A_THREAD + 5], vec![0; 0], vec![0; 1001]];
            let sizes = [1000, 7, 100];
            let [a, b, c] = &mut data;
            let parts = [(&mut a[..], sizes[0]), (&mut b[..], sizes[1]), (&mut c[..], sizes[2])];
            with(threads, || for_parts(parts, |number, index, chunk| chunk.fill(1000 * (number + 1) + index)));
            for (number, (data, size)) in data.iter().zip(sizes).enumerate() {
                let want = |at: usize| 1000 * (number + 1) + at / size;
                assert!(data.iter().enumerate().all(|(at, x)| *x == want(at)), "{threads}, {number}");
            }
        }
    }

    #[test]
    fn chunks_have_their_numbers() {
        for (size, chunk) in [(0, 3), (2, 3), (WORTH_A_THREAD, 1000), (WORTH_A_THREAD + 1, 1 << 10)] {
            let mut data = vec![0; size];
            with(3, || for_chunks(&mut data, chunk, |index, chunk| chunk.fill(index + 1)));
            assert!(data.iter().enumerate().all(|(i, x)| *x == i / chunk + 1), "{size} by {chunk}");
        }
    }
}
