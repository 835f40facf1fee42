//! The one place that starts threads. Where there are none, everything here is sequential.
//!
//! Work is cut into chunks whose number depends on the work alone, never on the number of threads, and no sum is
//! split between threads: so results have the same bits on any machine of one kind.

mod share;

pub use share::{Pieces, WORTH_A_THREAD, Work, for_chunks, for_parts, for_pieces, share, share_all};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

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
            let _done = OnDrop(|| done.store(true, Ordering::Release));
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
    if rayon::current_thread_index() != own {
        wait(done);
    }
}

/// Waits awake, and works where there is something to do meanwhile.
fn wait(done: &AtomicBool) {
    let mut idle = 0;
    while idle < PATIENCE && !done.load(Ordering::Acquire) {
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

/// Runs both, at the same time where a thread is free. Who is done first waits awake for a while.
pub fn join(a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if count() == 1 {
        a();
        return b();
    }
    let [begun, done] = [const { AtomicBool::new(false) }; 2];
    rayon::join(
        || {
            a();
            if begun.load(Ordering::Relaxed) {
                wait(&done);
            }
        },
        || {
            begun.store(true, Ordering::Relaxed);
            let _done = OnDrop(|| done.store(true, Ordering::Release));
            b();
        },
    );
}

/// Does `own` on the calling thread, and `work` meanwhile on so many others, as far as there are threads.
pub fn meanwhile<R>(others: usize, work: impl Fn() + Sync, own: impl FnOnce() -> R) -> R {
    rayon::in_place_scope(|scope| {
        (0..others).for_each(|_| scope.spawn(|_| work()));
        own()
    })
}

/// `work` of each item, in their order: for few items of much work each, as one thread may have to wait for one of them.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if count() == 1 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    items.par_iter().with_max_len(1).map(work).collect()
}

/// `work` of each number below `items`, in their order, in so many threads beside one another. Each has its share of all
/// threads for its own loops: for few items of so much work that loops alone cannot keep all threads busy.
pub fn side_by_side<R: Send>(items: usize, beside: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if beside < 2 || items < 2 {
        return (0..items).map(work).collect();
    }
    let beside = beside.min(items);
    let (next, share) = (AtomicUsize::new(0), (count() / beside).max(1));
    let results: Mutex<Vec<Option<R>>> = Mutex::new((0..items).map(|_| None).collect());
    let worker = || {
        with(share, || {
            loop {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= items {
                    break;
                }
                let result = work(item);
                results.lock().unwrap_or_else(PoisonError::into_inner)[item] = Some(result);
            }
        });
    };
    std::thread::scope(|scope| (0..beside).for_each(|_| drop(scope.spawn(worker))));
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(|result| result.unwrap_or_else(|| unreachable!("every item is worked on"))).collect()
}

/// Runs what waits most of the time on a thread of its own, which ends with the process.
///
/// # Errors
/// The system has no thread left.
pub fn apart(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(work).map(|_| ())
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
