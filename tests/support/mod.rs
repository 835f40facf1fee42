//! What several tests need.
#![allow(dead_code, reason = "each test uses a part")]

pub mod job;

use std::sync::Arc;
use wgrad::data::{self, Dataset};
use wgrad::executor::DeviceError;
use wgrad::gpu::{Choice, Gpu};
use wgrad::kernel::Precision;
use wgrad::train::{EpochReport, Observer};

/// The device for tests, or none where there is no adapter. With `WGRAD_REQUIRE_GPU=1` none is a failure; else the test
/// says what it leaves out. `WGRAD_TEST_DEVICE` chooses by number or name.
pub fn gpu() -> Option<Arc<Gpu>> {
    found(|choice| unchecked(Precision::F32, choice))
}

/// The same with the shaders' own checks of indices and loops.
pub fn checked_gpu() -> Option<Arc<Gpu>> {
    found(|choice| Gpu::open(Precision::F32, choice))
}

/// As a program that trains opens it.
#[allow(unsafe_code, reason = "kernels must be tested as they run in training, which is without checks")]
fn unchecked(precision: Precision, choice: &Choice) -> Result<Gpu, DeviceError> {
    // SAFETY: the tests run plans of this crate's operations between guard words, and kernels of their own, which are
    // checked all the same.
    unsafe { Gpu::open_unchecked(precision, choice) }
}

fn found(open: impl Fn(&Choice) -> Result<Gpu, DeviceError>) -> Option<Arc<Gpu>> {
    let choice = match std::env::var("WGRAD_TEST_DEVICE") {
        Ok(name) => name.parse().map_or(Choice::Name(name), Choice::Number),
        Err(_) => Choice::Any,
    };
    // What window libraries miss is none of the tests' concern.
    wgrad::gpu::quiet_drivers();
    match open(&choice) {
        Ok(gpu) => Some(Arc::new(gpu)),
        Err(error) => {
            let required = std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "WGRAD_REQUIRE_GPU=1, but {error}");
            not_checked(&format!("a GPU: {error}"));
            None
        }
    }
}

/// The device for products in float16, or none where the adapter lists no cooperative matrices that they take; then the
/// test says that.
pub fn gpu_f16() -> Option<Arc<Gpu>> {
    let f32 = gpu()?;
    match &f32.report().f16 {
        Ok(_) => {
            let choice = Choice::Number(f32.report().number);
            Some(Arc::new(unchecked(Precision::F16, &choice).unwrap_or_else(|e| panic!("{e}"))))
        }
        Err(what) => {
            not_checked(&format!("products in float16 on {}: {what}", f32.report().name));
            None
        }
    }
}

/// Says what a test leaves out, past the harness, which keeps what a passing test prints to itself.
pub fn not_checked(what: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("NOT CHECKED: {what}\n").as_bytes());
}

/// The digits carried in the program, and their classes.
pub fn digits() -> (Dataset, Vec<u32>) {
    let opened = data::open("digits", &data::Options::default(), None).unwrap_or_else(|e| panic!("{e}"));
    let all: Vec<u32> = (0..opened.rows() as u32).collect();
    let dataset = opened.encode(&all, data::Normalize::None).unwrap_or_else(|e| panic!("{e}")).dataset;
    let labels = dataset.targets.classes().map(|(labels, _)| labels.to_vec()).unwrap_or_default();
    (dataset, labels)
}

/// Hears of a run and lets it go on.
pub struct Silent;

impl Observer for Silent {
    fn progress(&mut self, _done: u64, _total: u64, _rows: u64) {}
    fn epoch(&mut self, _report: &EpochReport) {}
    fn stop(&self) -> bool {
        false
    }
}
