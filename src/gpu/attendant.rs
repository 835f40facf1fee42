//! Whoever uses a device and hears what it is at.

/// Who is told what a device is at, from any thread, and keeps what it hands over. Nothing is kept or told without one.
pub trait Attendant: Send + Sync {
    /// So many kernels of those at hand are compiled, from none to all of them.
    fn compiling(&self, done: usize, of: usize);

    /// What [`Attendant::keep`] was given last under a name, in this process or an earlier one.
    fn kept(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps bytes under a name that can be a file's.
    fn keep(&self, name: &str, bytes: &[u8]);

    /// What the user should know, in a sentence.
    fn note(&self, text: &str);
}
