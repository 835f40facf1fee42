//! What GPU drivers print is no output of ours.

use super::place::{Place, Ran};
use super::support;

/// The Vulkan loader, which prints much while it looks for drivers.
const LOADER_TALKS: (&str, &str) = ("VK_LOADER_DEBUG", "driver");

fn run(place: &Place, line: &str, settings: &[(&str, &str)]) -> Ran {
    let mut command = place.command(line);
    command.env_remove("XDG_RUNTIME_DIR").envs(settings.iter().copied());
    command.output().unwrap().into()
}

#[test]
fn what_drivers_print_is_shown_if_asked_for() {
    if support::gpu().is_none() {
        return;
    }
    let place = Place::new();
    for line in ["devices", "devices --json", "plan digits --device gpu"] {
        let ran = run(&place, line, &[LOADER_TALKS]);
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{line}: {ran:?}");
        let ran = run(&place, &format!("{line} --verbose"), &[LOADER_TALKS]);
        assert!(ran.code == Some(0) && !ran.err.is_empty(), "{line}: {ran:?}");
    }
}

/// A message of ours still is one line, whatever drivers print.
#[test]
fn a_device_that_is_not_there_is_one_sentence() {
    let ran = run(&Place::new(), "plan digits --device 99", &[LOADER_TALKS]);
    let driverless = support::gpu().is_none();
    assert!(driverless || (ran.err.starts_with("error: ") && ran.err.lines().count() == 1), "{ran:?}");
}

#[test]
fn what_drivers_print_is_shown_if_none_is_found() {
    if support::gpu().is_none() {
        return;
    }
    // The loader finds no driver where the only file that names one is not there.
    let nowhere = ("VK_DRIVER_FILES", "/nowhere.json");
    let older = ("VK_ICD_FILENAMES", "/nowhere.json");
    let place = Place::new();
    if !place.json("devices").iter().all(|adapter| adapter["backend"] == "Vulkan") {
        return support::not_checked("what drivers print if none is found: there are others than Vulkan's");
    }
    let ran = run(&place, "plan digits --device gpu", &[LOADER_TALKS, nowhere, older]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("error: ") && ran.err.lines().count() > 1, "{ran:?}");
}
