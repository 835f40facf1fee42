//! What several tests need.
#![allow(dead_code, reason = "each test uses a part")]

use std::rc::Rc;
use wgrad::gpu::{Checks, Choice, Gpu};

/// The device for tests, or none where there is no adapter. With `WGRAD_REQUIRE_GPU=1` none is a failure; else the test
/// says what it leaves out. `WGRAD_TEST_DEVICE` chooses by number or name.
pub fn gpu() -> Option<Rc<Gpu>> {
    gpu_with(Checks::Off)
}

/// The same with the shaders' own checks on or off.
pub fn gpu_with(checks: Checks) -> Option<Rc<Gpu>> {
    let choice = match std::env::var("WGRAD_TEST_DEVICE") {
        Ok(name) => name.parse().map_or(Choice::Name(name), Choice::Number),
        Err(_) => Choice::Any,
    };
    match Gpu::open(&choice, checks) {
        Ok(gpu) => Some(Rc::new(gpu)),
        Err(error) => {
            let required = std::env::var("WGRAD_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "WGRAD_REQUIRE_GPU=1, but {error}");
            not_checked(&format!("a GPU: {error}"));
            None
        }
    }
}

/// Says what a test leaves out, past the harness, which keeps what a passing test prints to itself.
pub fn not_checked(what: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("NOT CHECKED: {what}\n").as_bytes());
}
