//! What GPU drivers print is no output of ours.

use super::place::{LAYERS, Place, Ran};
use super::support;

/// The Vulkan loader, which prints much while it looks for drivers.
const LOADER_TALKS: (&str, &str) = ("VK_LOADER_DEBUG", "driver");

fn run(place: &Place, line: &str, settings: &[(&str, &str)]) -> Ran {
    let mut command = place.command(line);
    command.env_remove("XDG_RUNTIME_DIR").envs(settings.iter().copied());
    command.output().unwrap().into()
}

/// Whether all adapters are Vulkan's, whose loader talks.
fn vulkan_alone(place: &Place) -> bool {
    let alone = place.json("devices").iter().all(|adapter| adapter["backend"] == "Vulkan");
    if !alone {
        support::not_checked("what drivers print: there are others than Vulkan's");
    }
    alone
}

#[test]
fn what_drivers_print_is_shown_if_asked_for() {
    let place = Place::new();
    if support::gpu().is_none() || !vulkan_alone(&place) {
        return;
    }
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
    let place = Place::new();
    if support::gpu().is_none() || !vulkan_alone(&place) {
        return;
    }
    // The loader finds no driver where the only file that names one is not there.
    let nowhere = ("VK_DRIVER_FILES", "/nowhere.json");
    let older = ("VK_ICD_FILENAMES", "/nowhere.json");
    let ran = run(&place, "plan digits --device gpu", &[LOADER_TALKS, nowhere, older]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("error: ") && ran.err.lines().count() > 1, "{ran:?}");
}

/// Beside the driver of this machine, `WGRAD_SWIFTSHADER` may name the file of a second one (`vk_swiftshader_icd.json` of
/// Chromium's packages), whose `exp` makes a number of NaN, and whose subgroups have four lanes.
#[test]
fn a_second_driver_computes_and_trains_alike() {
    let Some(driver) = std::env::var_os("WGRAD_SWIFTSHADER") else {
        return support::not_checked("a second driver: WGRAD_SWIFTSHADER names none");
    };
    let place = Place::new();
    let on_it = |line: &str| -> Ran {
        let mut command = place.command(line);
        ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].iter().for_each(|name| _ = command.env(name, &driver));
        command.output().unwrap().into()
    };
    let ran = on_it("devices --json");
    assert!(ran.out.contains("SwiftShader") && ran.out.lines().count() == 1, "{ran:?}");
    let ran = on_it("doctor --device 0");
    assert!(ran.code == Some(0), "{ran:?}");
    let line = format!("train digits {LAYERS} --epochs 2 --json");
    let last = |ran: Ran| -> serde_json::Value {
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str(ran.out.lines().last().unwrap()).unwrap()
    };
    let [there, here] = [
        last(on_it(&format!("{line} --device 0 --out there"))),
        last(on_it(&format!("{line} --device cpu --out here"))),
    ];
    let loss = |object: &serde_json::Value| object["test"]["loss"].as_f64().unwrap_or_else(|| panic!("{object}"));
    // The same steps but for the last bits of each sum.
    let close = (loss(&there) - loss(&here)).abs();
    assert!(close < 1e-3, "{there} {here}");
}
