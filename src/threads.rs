//! The one place that starts threads. Where there are none, everything here is sequential.
//!
//! Work is cut into chunks whose number depends on the work alone, never on the number of threads, and no sum is
//! split between threads: so results have the same bits on any machine of one kind.

use rayon::prelude::*;

/// Below this many elements a loop stays on the calling thread: waking another costs more than it saves.
pub const WORTH_A_THREAD: usize = 16 * 1024;

/// Whether a loop over so many elements, in chunks of this size, is worth more than one thread.
fn is_worth(elements: usize, size: usize) -> bool {
    elements > size && elements >= WORTH_A_THREAD && count() > 1
}

/// Runs `work` where every parallel loop in it finds the other threads at once: what enters from outside has to wake
/// them each time.
pub fn enter<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if count() == 1 { work() } else { rayon::scope(|_| work()) }
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

/// Calls `work(index of the chunk, chunk)` for every `size` elements of `data`.
pub fn for_chunks<T: Send>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if !is_worth(data.len(), size) {
        data.chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i, chunk));
    } else {
        data.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i, chunk));
    }
}

/// As [`for_chunks`], where each element stands for so many: those of a column, say.
pub fn for_chunks_of_work<T: Send>(data: &mut [T], size: usize, each: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if is_worth(data.len() * each, size * each) {
        data.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i, chunk));
    } else {
        data.chunks_mut(size).enumerate().for_each(|(i, chunk)| work(i, chunk));
    }
}

/// As [`for_chunks`], on a pair of slices that are cut at the same places.
pub fn for_chunks_of_two<A: Send, B: Send>(
    (a, b): (&mut [A], &mut [B]),
    size: usize,
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    if !is_worth(a.len(), size) {
        a.chunks_mut(size).zip(b.chunks_mut(size)).enumerate().for_each(|(i, (a, b))| work(i, a, b));
    } else {
        a.par_chunks_mut(size).zip(b.par_chunks_mut(size)).enumerate().for_each(|(i, (a, b))| work(i, a, b));
    }
}

/// As [`for_chunks`], on three slices that are cut at the same places.
pub fn for_chunks_of_three<A: Send, B: Send, C: Send>(
    (a, b, c): (&mut [A], &mut [B], &mut [C]),
    size: usize,
    work: impl Fn(usize, &mut [A], &mut [B], &mut [C]) + Sync,
) {
    if !is_worth(a.len(), size) {
        let rest = b.chunks_mut(size).zip(c.chunks_mut(size));
        a.chunks_mut(size).zip(rest).enumerate().for_each(|(i, (a, (b, c)))| work(i, a, b, c));
    } else {
        let rest = b.par_chunks_mut(size).zip(c.par_chunks_mut(size));
        a.par_chunks_mut(size).zip(rest).enumerate().for_each(|(i, (a, (b, c)))| work(i, a, b, c));
    }
}

/// Calls `work` for each item, on as many threads as there are.
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    items.into_par_iter().for_each(work);
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
