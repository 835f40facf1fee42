//! What is told while a plan is made ready, and the compiled kernels that are handed over.

use super::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use wgrad::executor::DeviceError;
use wgrad::gpu::{Attendant, Gpu};
use wgrad::kernel::{Kernel, Needs, Part, Tolerance};
use wgrad::op::Recorder;

/// Takes everything down, and keeps what it is given.
#[derive(Default)]
struct Heard {
    compiling: Mutex<Vec<(usize, usize)>>,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    notes: Mutex<Vec<String>>,
}

impl Attendant for Heard {
    fn compiling(&self, done: usize, of: usize) {
        self.compiling.lock().unwrap().push((done, of));
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap().get(name).cloned()
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        self.files.lock().unwrap().insert(name.into(), bytes.into());
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.into());
    }
}

fn take<T>(list: &Mutex<Vec<T>>) -> Vec<T> {
    std::mem::take(&mut list.lock().unwrap())
}

fn all(of: usize) -> Vec<(usize, usize)> {
    (0..=of).map(|done| (done, of)).collect()
}

#[test]
fn compiling_is_told_of_once() {
    let Some(gpu) = support::gpu() else { return };
    let heard = Arc::new(Heard::default());
    gpu.attend(heard.clone());
    let plan = compiled(gpu.target()).plan;
    let count = kernels(&plan, 0).into_iter().collect::<BTreeSet<_>>().len();
    let distinct: BTreeSet<&str> = (0..plan.programs.len()).flat_map(|program| kernels(&plan, program)).collect();
    assert!(distinct.len() < plan.programs.iter().map(|program| program.dispatches.len()).sum());
    let mut session = Session::new(&gpu, plan.clone()).unwrap();
    // Threads may tell in another order.
    let mut told = take(&heard.compiling);
    told.sort_unstable();
    assert_eq!(told, all(distinct.len()));
    Session::new(&gpu, plan).unwrap();
    assert_eq!(take(&heard.compiling), []);
    // What a software driver compiles at its first dispatch is told of then.
    session.run(0, 2).unwrap();
    assert_eq!(take(&heard.compiling), if gpu.report().hardware { vec![] } else { all(count) });
    session.run(0, 1).unwrap();
    assert_eq!(take(&heard.compiling), []);
}

/// An announced program has done nothing yet: it runs in no groups, on memory that stays as it is.
#[test]
fn a_step_gives_the_same_attended_or_not() {
    let Some(gpu) = support::gpu() else { return };
    let alone = losses(&Device::gpu(gpu.clone()), compiled(gpu.target()), 5);
    gpu.attend(Arc::new(Heard::default()));
    assert_eq!(losses(&Device::gpu(gpu.clone()), compiled(gpu.target()), 5), alone);
}

const fn kernel(name: &'static str, parts: &'static [Part]) -> Kernel {
    let (needs, tolerance) = (Needs::Nothing, Tolerance::EXACT);
    Kernel { name, parts, args: &[], bindings: &[], needs, tolerance, twin: Some(|_, _| ()), fast: None }
}

static GOOD: Kernel = kernel("test.good", &[Part { file: "", text: "@compute @workgroup_size(1) fn main() {}" }]);
static BAD: Kernel = kernel("test.bad", &[Part { file: "", text: "@compute @workgroup_size(1) fn main() { x = 1; }" }]);
static NONE: Kernel = kernel("test.none", &[Part { file: "", text: "" }]);

#[test]
fn the_first_kernel_that_is_refused_is_named() {
    let Some(gpu) = support::gpu() else { return };
    let made = |kernels: &[&'static Kernel]| {
        let mut rec = Recorder::new(gpu.target());
        kernels.iter().for_each(|kernel| rec.dispatch(kernel, &(), &[], [1; 3]));
        Session::new(&gpu, Arc::new(Plan::of_recording("test", rec).unwrap())).map(|_| ())
    };
    assert_eq!(made(&[&GOOD, &GOOD]), Ok(()));
    for (kernels, name) in [([&GOOD, &BAD, &NONE], "test.bad"), ([&NONE, &GOOD, &BAD], "test.none")] {
        let Err(DeviceError::Refused { what, .. }) = made(&kernels) else { panic!("{kernels:?} are taken") };
        assert_eq!(what, format!("the kernel {name}"));
    }
    // The device is none the worse for it.
    assert_eq!(made(&[&GOOD]), Ok(()));
}

#[test]
fn compiled_kernels_come_back_and_broken_ones_are_made_anew() {
    let heard = Arc::new(Heard::default());
    let run = || -> Option<Arc<Gpu>> {
        let gpu = support::gpu()?;
        gpu.attend(heard.clone());
        Session::new(&gpu, compiled(gpu.target()).plan).unwrap();
        Some(gpu)
    };
    if run().is_none() {
        return;
    }
    let files = heard.files.lock().unwrap().clone();
    let Some((name, whole)) = files.first_key_value() else {
        return support::not_checked("compiled kernels, which this driver does not hand out");
    };
    run();
    assert_eq!(take(&heard.notes), Vec::<String>::new());
    let foreign = [&whole[..20], b"X", &whole[21..]].concat();
    for bad in [&whole[..whole.len() - 1], &foreign, b"nonsense", b""] {
        heard.keep(name, bad);
        run();
        let notes = take(&heard.notes);
        assert!(notes.len() == 1 && notes[0].contains(name) && notes[0].contains("broken"), "{notes:?}");
        assert_ne!(heard.kept(name).unwrap(), bad);
        run();
        assert_eq!(take(&heard.notes), Vec::<String>::new());
    }
}
