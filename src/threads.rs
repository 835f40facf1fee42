//! The one place that starts threads. Where there are none, everything here is sequential.
//!
//! Work is cut into chunks whose number depends on the work alone, never on the number of threads, and no sum is
//! split between threads: so results have the same bits on any machine of one kind.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::sync::atomic::{AtomicBool, Ordering};

/// Below this many elements a loop stays on the calling thread: waking another costs more than it saves.
pub const WORTH_A_THREAD: usize = 16 * 1024;

/// Whether a loop over so many elements, in chunks of this size, is worth more than one thread.
fn is_worth(elements: usize, size: usize) -> bool {
    elements > size && elements >= WORTH_A_THREAD && count() > 1
}

/// How often a thread looks for work before it sleeps: for about a millisecond. To wake it takes longer than the loops of a
/// step.
const PATIENCE: usize = 2000;

/// Runs `work` where every parallel loop in it finds the other threads at once, awake: what enters from outside has to wake
/// them each time.
pub fn enter<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if count() == 1 {
        return work();
    }
    let done = AtomicBool::new(false);
    let mut result = None;
    rayon::scope(|_| {
        let own = rayon::current_thread_index();
        beside(count() - 1, &|| attend(&done, own), || {
            // Set when `work` panics, too: else nothing would end.
            let _done = OnDrop(|| done.store(true, Ordering::Relaxed));
            result = Some(work());
        });
    });
    result.unwrap_or_else(|| unreachable!("the work is done or has panicked"))
}

/// Calls `work` here and `attend` on as many other threads as are free.
fn beside(others: usize, attend: &(impl Fn() + Sync), work: impl FnOnce() + Send) {
    if others == 0 {
        return work();
    }
    rayon::join(|| beside(others - 1, attend, work), attend);
}

/// Takes up what other threads have to do, until all is done, or there was nothing for a while.
fn attend(done: &AtomicBool, own: Option<usize>) {
    if rayon::current_thread_index() == own {
        return;
    }
    let mut idle = 0;
    while idle < PATIENCE && !done.load(Ordering::Relaxed) {
        idle = if rayon::yield_now() == Some(rayon::Yield::Executed) { 0 } else { idle + 1 };
        (0..32).for_each(|_| std::hint::spin_loop());
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Calls `work` once on each thread, and on the calling one.
pub fn on_each(work: impl Fn() + Sync) {
    work();
    if count() > 1 {
        rayon::broadcast(|_| work());
    }
}

/// Runs both, at the same time where a thread is free.
pub fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if count() == 1 {
        a();
        b();
    } else {
        rayon::join(a, b);
    }
}

/// Does `own` on the calling thread, and `work` meanwhile on so many others, as far as there are threads.
pub fn meanwhile<R>(others: usize, work: impl Fn() + Sync, own: impl FnOnce() -> R) -> R {
    rayon::in_place_scope(|scope| {
        (0..others).for_each(|_| scope.spawn(|_| work()));
        own()
    })
}

/// What can be cut in two for threads: slices, and slices of one length together.
pub trait Pieces: Send + Sized {
    /// Elements of each.
    fn size(&self) -> usize;

    /// Both parts of a cut before an element.
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
    let parts = if is_worth(data.size() * each, size * each) { 4 * count() } else { 1 };
    parts_of(data, 0, size, parts, &work);
}

fn parts_of<P: Pieces>(data: P, first: usize, size: usize, parts: usize, work: &(impl Fn(usize, P) + Sync)) {
    let chunks = data.size().div_ceil(size);
    if parts > 1 && chunks > 1 {
        let half = chunks / 2;
        let (data, rest) = data.cut(half * size);
        return join(
            || parts_of(data, first, size, parts / 2, work),
            || parts_of(rest, first + half, size, parts - parts / 2, work),
        );
    }
    let mut rest = data;
    for chunk in first..first + chunks {
        let end = size.min(rest.size());
        let (data, after) = rest.cut(end);
        work(chunk, data);
        rest = after;
    }
}

/// Calls `work(index of the chunk, chunk)` for every `size` elements of `data`.
pub fn for_chunks<T: Send>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    for_pieces(data, size, 1, work);
}

/// `work` of each item, in their order: for few items of much work each, as one thread may have to wait for one of them.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if count() == 1 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    items.par_iter().with_max_len(1).map(work).collect()
}

/// Number of threads that work.
pub fn count() -> usize {
    rayon::current_num_threads()
}

/// Runs `work` with this many threads in place of all.
pub fn with<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        // Without a pool of its own the work is done all the same: its bits do not depend on the threads.
        Err(_) => work(),
    }
}
