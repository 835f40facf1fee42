//! Going on with a run: with its own data only, by one process, and after whatever ended it.

use super::place::{LAYERS, Place, Ran, sentence, table};
use safetensors::SafeTensors;
use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use wgrad::export::{Model, Values};

/// A case of `tests/cases`.
fn case(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The description in a file of ours, changed, with the same tensors.
fn described_anew(bytes: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let mut json = serde_json::from_str(&header.metadata().as_ref().unwrap()["wgrad"]).unwrap();
    change(&mut json);
    let file = SafeTensors::deserialize(bytes).unwrap();
    safetensors::serialize(file.tensors(), Some(HashMap::from([("wgrad".into(), json.to_string())]))).unwrap()
}

#[test]
fn a_table_with_swapped_columns_is_not_the_runs() {
    let place = Place::new();
    place.write("sw.csv", case("sw.csv"));
    place.done("train sw.csv --device cpu --epochs 5 --quiet --out run");
    place.write("sw.csv", case("sw_swapped.csv"));
    let resume = "train --resume run --epochs 10 --device cpu";
    place.refused(resume, &["run/last.safetensors", "columns stand in another order", "they are b, a", "the run a, b"]);
    place.write("sw.csv", case("sw.csv"));
    place.done(resume);
}

#[test]
fn other_data_are_refused_and_named() {
    let place = Place::new();
    let rows: Vec<String> = table(60).lines().skip(1).map(str::to_owned).collect();
    let write = |header: &str, rows: &[String]| place.write("points.csv", format!("{header}\n{}\n", rows.join("\n")));
    let changed = |row: usize, from: &str, to: &str| {
        let mut rows = rows.clone();
        assert!(rows[row].contains(from), "{}", rows[row]);
        rows[row] = rows[row].replace(from, to);
        rows
    };
    write("x,y,label", &rows);
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 2 {LAYERS} --quiet --out run"));
    let mut swapped = rows.clone();
    swapped.swap(3, 40);
    let label = rows[7].rsplit(',').next().unwrap();
    let (old, new) = (format!(",{label}"), if label == "over" { ",under" } else { ",over" });
    let renamed: Vec<String> = rows.iter().map(|row| row.replace("over", "above")).collect();
    for (header, rows, names) in [
        ("x,z,label", rows.clone(), vec!["the columns are x, z", "in the run x, y"]),
        ("x,y,label", swapped, vec!["rows stand in another order"]),
        ("x,y,label", rows[..59].to_vec(), vec!["rows to", "in the run"]),
        ("x,y,label", changed(5, ".", "3."), vec!["inputs of rows to"]),
        ("x,y,label", changed(7, &old, new), vec!["targets"]),
        ("x,y,label", renamed, vec!["the classes are above, under", "in the run over, under"]),
    ] {
        write(header, &rows);
        place.refused("train --resume run --epochs 3 --device cpu", &[&names[..], &["run/last.safetensors"]].concat());
    }
    write("x,y,label", &rows);
    place.done("train --resume run --epochs 3 --device cpu --quiet");
}

/// Normalisation hides that all values of a column were scaled or moved.
#[test]
fn values_on_another_scale_are_other_data() {
    let place = Place::new();
    let write = |factor: f64, offset: f64| {
        let row = |i: usize| format!("{},{},{}\n", (i % 7) as f64 * factor + offset, i % 5, ["a", "b"][i % 2]);
        place.write("t.csv", std::iter::once("x,y,label\n".to_owned()).chain((0..60).map(row)).collect::<String>());
    };
    for kind in ["standardize", "none"] {
        write(1.0, 0.0);
        place.done(&format!(
            "train t.csv --normalize {kind} --device cpu --epochs 2 --layers linear --quiet --out {kind}"
        ));
        let resume = format!("train --resume {kind} --epochs 4 --device cpu --quiet");
        for (factor, offset) in [(2.0, 0.0), (1.0, 1.0)] {
            write(factor, offset);
            // What is added to all values may show in how they are rounded.
            let names: &[&str] = if (kind, factor) == ("standardize", 2.0) { &["other values", ": x"] } else { &[] };
            place.refused(&resume, &[&["last.safetensors"], names].concat());
        }
        write(1.0, 0.0);
        place.done(&resume);
    }
}

/// What a kill may have left in the folder of a run that began again at a lower rate.
#[test]
fn a_folder_without_a_recipe_is_not_sent_in_circles() {
    let place = Place::new();
    place.write("t.csv", table(60));
    place.write("run/steps.csv", "step,loss\n1,0.5\n");
    place.write("run/epochs.csv", "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy\n");
    let train = format!("train t.csv --device cpu --epochs 1 {LAYERS} --out run");
    place.refused(&train, &["run", "not an empty folder"]);
    assert!(!place.run(&train).err.contains("--resume"), "{:?}", place.run(&train));
    place.refused("train --resume run --device cpu", &["recipe.toml", "no run"]);
}

/// A file of a version that had no fingerprints is gone on with, and that its rows are not checked is said.
#[test]
fn a_missing_fingerprint_is_said() {
    let place = Place::new();
    place.write("points.csv", table(60));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 2 {LAYERS} --quiet --out run"));
    let last = place.read("run/last.safetensors");
    let old = described_anew(&last, |json| {
        json.as_object_mut().unwrap().remove("fingerprint").expect("a fingerprint");
    });
    place.write("run/last.safetensors", &old);
    let ran = place.run("train --resume run --epochs 3 --device cpu --quiet");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("run/last.safetensors") && ran.err.contains("no fingerprint"), "{ran:?}");
    place.write("run/last.safetensors", &old);
    place.write("points.csv", table(60).replace("x,y,label", "x,z,label"));
    place.refused("train --resume run --epochs 3 --device cpu", &["the columns are x, z"]);
}

/// Weights start from a model whose columns stand in another order as from the same model with them in this order.
#[test]
fn weights_to_start_from_follow_their_columns_by_name() {
    let place = Place::new();
    place.write("sw.csv", case("sw.csv"));
    place.write("swapped.csv", case("sw_swapped.csv"));
    place.write("other.csv", String::from_utf8(case("sw.csv")).unwrap().replacen("a,b", "a,c", 1));
    let train = "--device cpu --schedule constant --layers 'batch_norm, linear 8, relu, linear' --quiet";
    place.done(&format!("train sw.csv {train} --epochs 2 --out base"));
    let starts = |name: &str| {
        // At a rate of 0 a step changes no weight.
        let line = format!("train {name}.csv {train} --steps 1 --lr 0 --init-from base/model.safetensors --out {name}");
        place.run(&line)
    };
    let (same, moved) = (starts("sw"), starts("swapped"));
    assert_eq!((same.code, same.err.as_str(), moved.code), (Some(0), "", Some(0)), "{same:?} {moved:?}");
    assert!(moved.err.contains("another order") && moved.err.contains("by name"), "{moved:?}");
    let weights = |run: &str| {
        let model = Model::read(&place.path(&format!("{run}/last.safetensors"))).unwrap();
        let floats = |name: &str| match &model.tensors[name] {
            Values::Floats(_, floats) => floats.clone(),
            Values::Count(_) => unreachable!("{name}"),
        };
        (floats("0.weight"), floats("1.weight"), floats("3.weight"))
    };
    let (same, moved) = (weights("sw"), weights("swapped"));
    let swap = |floats: &[f32]| floats.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect::<Vec<_>>();
    assert_eq!(moved, (swap(&same.0), swap(&same.1), same.2.clone()));
    assert_ne!(moved.1, same.1);
    let ran = starts("other");
    sentence("other", &ran, &["base/model.safetensors", "other columns", "\"c\""]);
}

/// A rate at which numbers overflow after some epochs, so that there is a state from before.
#[test]
fn divergence_leaves_the_state_to_go_on_from() {
    let place = Place::new();
    let train =
        "train --batch 256 --momentum 0 --layers 'linear 8, relu, linear' --normalize none --device cpu --quiet";
    place.done(&format!("{train} --lr 0.001 --epochs 1 --out run"));
    let saved = place.read("run/last.safetensors");
    let line = "train --resume run --epochs 6 --lr 1e12 --device cpu --quiet";
    let ran = place.run(line);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    sentence(line, &ran, &["smaller --lr", "run/last.safetensors still holds", "run/diverged.safetensors"]);
    assert!(place.read("run/last.safetensors") == saved, "last.safetensors was changed");
    let diverged = Model::read(&place.path("run/diverged.safetensors")).unwrap();
    assert!(diverged.tensors.values().all(|values| values.not_finite().is_none()));
    place.done("train --resume run --epochs 6 --lr 0.001 --device cpu --quiet");
    place.done(&format!("{train} --lr 0.001 --epochs 6 --out whole"));
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv"] {
        assert!(place.read(&format!("run/{file}")) == place.read(&format!("whole/{file}")), "{file} differs");
    }
}

/// Before the first update no rate has done anything, so none can help.
#[test]
fn no_rate_is_blamed_for_the_first_step() {
    let place = Place::new();
    place.write("points.csv", "x,label\n3e38,a\n3e38,b\n3e38,a\n3e38,b\n");
    let line = "train points.csv --normalize none --init large --layers 'linear 64, linear 64, linear' --device cpu \
                --validation 0 --test 0 --batch 4 --out run --quiet";
    let ran = place.run(line);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    sentence(line, &ran, &["(step 0, epoch 1)", "no rate matters", "normalise"]);
    assert!(!ran.err.contains("smaller --lr"), "{ran:?}");
}

#[test]
fn a_row_that_was_not_written_to_its_end_is_dropped() {
    let place = Place::new();
    place.write("points.csv", table(100));
    let train =
        format!("train points.csv --device cpu --batch 16 --validation 0.1 --schedule constant {LAYERS} --quiet");
    place.done(&format!("{train} --epochs 2 --out run"));
    place.done(&format!("{train} --epochs 4 --out whole"));
    let (steps, epochs) = (place.text("run/steps.csv"), place.text("run/epochs.csv"));
    let half = |text: &str, row: &str| format!("{text}{row}");
    // Half of row 12, which looks like row 1; half of epoch 3; and rows of steps that were not saved.
    place.write("run/steps.csv", half(&steps, "10,0.5\n11,0.25\n1"));
    place.write("run/epochs.csv", half(&epochs, "3,15,0.2"));
    let parts = ["last.safetensors.77.part", "steps.csv.1234.part", "recipe.toml.5.part"];
    parts.iter().for_each(|part| place.write(&format!("run/{part}"), "half"));
    place.write("run/notes.part", "the user's own");
    place.done("train --resume run --epochs 4 --device cpu --quiet");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("run/{file}")), "{file} differs");
    }
    parts.iter().for_each(|part| assert!(!place.path(&format!("run/{part}")).exists(), "{part} is left"));
    assert!(place.path("run/notes.part").exists());
    // Rows that are gone are not made up, and that they are is said.
    std::fs::remove_file(place.path("run/steps.csv")).unwrap();
    let ran = place.run("train --resume run --epochs 5 --device cpu --quiet");
    assert!(ran.code == Some(0) && ran.err.contains("run/steps.csv lacks 20 of the 20 rows"), "{ran:?}");
    assert!(place.text("run/steps.csv").starts_with("step,loss\n20,"));
}

/// A run that was ended before anything of it was saved has a recipe, and rows at most.
#[test]
fn a_run_that_saved_nothing_starts_again() {
    let place = Place::new();
    place.write("points.csv", table(100));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 3 {LAYERS} --quiet --out whole"));
    place.write("run/recipe.toml", place.read("whole/recipe.toml"));
    place.write("run/steps.csv", "step,loss\n0,0.75\n1,0.");
    let ran = place.run("train --resume run --device cpu --quiet");
    assert!(ran.code == Some(0) && ran.err.contains("run was ended before anything of it was saved"), "{ran:?}");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("run/{file}")), "{file} differs");
    }
    place.write("empty/.lock", "");
    place.refused("train --resume empty --device cpu", &["empty/recipe.toml", "before it began"]);
    place.done("train points.csv --device cpu --steps 1 --quiet --out empty");
}

/// The recipe names the data from its own folder, so both can be moved together, and no folder above is named.
#[test]
fn a_run_folder_goes_on_where_it_was_copied_to_with_its_data() {
    let place = Place::new();
    place.write("here/points.csv", table(100));
    let train = format!("--device cpu --batch 16 --schedule constant {LAYERS} --quiet");
    place.done(&format!("train here/points.csv {train} --epochs 2 --out here/runs/one"));
    place.done(&format!("train here/points.csv {train} --epochs 4 --out whole/runs/one"));
    let recipe = place.text("here/runs/one/recipe.toml");
    assert!(recipe.contains("source = \"../../points.csv\""), "{recipe}");
    assert!(place.text("whole/runs/one/recipe.toml").contains("source = \"../../../here/points.csv\""));
    std::fs::create_dir_all(place.path("deep/er")).unwrap();
    std::fs::rename(place.path("here"), place.path("deep/er/there")).unwrap();
    place.done("train --resume deep/er/there/runs/one --epochs 4 --device cpu --quiet");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv"] {
        let same =
            place.read(&format!("whole/runs/one/{file}")) == place.read(&format!("deep/er/there/runs/one/{file}"));
        assert!(same, "{file} differs");
    }
    assert!(place.text("deep/er/there/runs/one/recipe.toml").contains("source = \"../../points.csv\""));
}

/// A run that goes on until it is told to stop, once it is well under way.
#[cfg(unix)]
fn endless(place: &Place, before: &str, out: &str) -> Child {
    let program = env!("CARGO_BIN_EXE_wgrad");
    let line = format!("{before} exec {program} --device cpu --seed 5 --batch 8 {LAYERS} --epochs 100000 --out {out}");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]);
    let mut command = place.stoppable(&shell);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while !place.path(&format!("{out}/last.safetensors")).exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "the run does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// The lock goes with the process, even where that is killed.
#[cfg(unix)]
#[test]
fn one_process_at_a_time_trains_in_a_folder() {
    let place = Place::new();
    let mut child = endless(&place, "", "run");
    let ran = place.run("train --resume run --device cpu");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    sentence("the second", &ran, &["run: another process trains in this run folder"]);
    assert!(child.try_wait().unwrap().is_none(), "the first one ended");
    signal(&child, "KILL");
    child.wait().unwrap();
    let step =
        Model::read(&place.path("run/last.safetensors")).unwrap().described().unwrap().progress.clone().unwrap().step;
    place.done(&format!("train --resume run --device cpu --steps {} --quiet", step + 1));
}

/// A terminal and its parents may send a signal each, and a finger may slip: the second one does not undo the saving.
#[cfg(unix)]
#[test]
fn two_signals_at_once_save_the_run() {
    let place = Place::new();
    let large = "--layers 'linear 2000, relu, linear 2000, relu, linear'";
    let mut command = place.stoppable(&place.command(&format!("--device cpu {large} --epochs 1000 --out run")));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while std::fs::metadata(place.path("run/steps.csv")).map_or(0, |file| file.len()) < 40 {
        assert!(started.elapsed() < Duration::from_secs(60), "the run does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(50));
    // The process may be done by now.
    let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).output();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert!(ran.code == Some(130) && ran.err.contains("all saved"), "{ran:?}");
    let names: Vec<_> = std::fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name == "last.safetensors"), "{names:?}");
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{names:?}");
}

/// `nohup` ignores the signal of a terminal that closes, before it starts the program.
#[cfg(unix)]
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let place = Place::new();
    for (ignored, stops) in [("HUP", "INT"), ("INT", "HUP"), ("HUP INT", "TERM")] {
        let mut child = endless(&place, &format!("trap '' {ignored};"), stops);
        ignored.split(' ').for_each(|name| signal(&child, name));
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{ignored} ended the run");
        signal(&child, stops);
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert!(ran.code == Some(130) && ran.err.contains("all saved"), "{stops}: {ran:?}");
    }
}
