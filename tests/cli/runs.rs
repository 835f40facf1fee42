//! Training: what it prints and leaves, the same bytes for the same seed, stopping and going on.

use super::place::{LAYERS, Place, idx_folder, sentence, table};
use super::support;
use wgrad::export::Model;

#[test]
fn alone_it_trains_on_digits() {
    let place = Place::new();
    let out = place.done("--epochs 2");
    for part in ["digits: 1,797 rows", "test accuracy ", "95 % interval", "confusion (rows: true class"] {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
    let model = std::path::Path::new("runs").join("digits-001").join("model.safetensors");
    assert!(out.contains(&model.display().to_string()), "{out}");
    let accuracy: f64 = out.split("test accuracy ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(accuracy > 80.0, "{accuracy}");
    image::GrayImage::from_fn(8, 8, |x, _| image::Luma([if x == 4 { 255 } else { 0 }]))
        .save(place.path("one.png"))
        .unwrap();
    let out = place.done("predict runs/digits-001/model.safetensors one.png --device cpu");
    assert!(out.starts_with("one.png  "), "{out}");
    place.done("--steps 1 --quiet --device cpu");
    assert!(place.path("runs/digits-002/last.safetensors").exists());
}

#[test]
fn idx_folders_train_plain_and_packed_alike() {
    let place = Place::new();
    idx_folder(&place, "plain/set", false);
    idx_folder(&place, "packed/set", true);
    for name in ["plain", "packed"] {
        let line = format!("train {name}/set --device cpu --batch 16 --epochs 2 {LAYERS} --out run-{name}");
        let out = place.done(&line);
        assert!(out.contains("set: 75 rows of 1x4x4, 3 classes") && out.contains("15 to test"), "{out}");
    }
    assert!(place.read("run-plain/last.safetensors") == place.read("run-packed/last.safetensors"));
}

#[test]
fn a_table_trains_and_its_steps_and_epochs_are_written_down() {
    let place = Place::new();
    place.write("points.csv", table(100));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 3 --validation 0.1 {LAYERS} --out run"));
    let steps: Vec<(u64, f32)> = rows(&place.text("run/steps.csv"), "step,loss");
    // 20 rows test, 10 validate, and the last of five batches of 16 is smaller.
    assert_eq!(steps.iter().map(|(step, _)| *step).collect::<Vec<_>>(), (0..15).collect::<Vec<_>>());
    assert!(steps.iter().all(|(_, loss)| loss.is_finite() && *loss > 0.0));
    let text = place.text("run/epochs.csv");
    assert!(text.starts_with("epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy\n"), "{text}");
    let lines: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|n| n.parse().unwrap()).collect()).collect();
    assert_eq!(lines.iter().map(|line| (line[0], line[1])).collect::<Vec<_>>(), [(1.0, 5.0), (2.0, 10.0), (3.0, 15.0)]);
    assert!(lines.iter().all(|line| line.len() == 6 && (0.0..=1.0).contains(&line[5])));
}

fn rows(text: &str, header: &str) -> Vec<(u64, f32)> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(header));
    lines
        .map(|line| line.split_once(',').map(|(n, loss)| (n.parse().unwrap(), loss.parse().unwrap())).unwrap())
        .collect()
}

#[test]
fn a_recipe_runs_with_flags_over_it_and_runs_again() {
    let place = Place::new();
    place.write("here/points.csv", table(100));
    let recipe = "[data]\nsource = \"points.csv\"\nvalidation = 0.2\ntest = 0.0\n\n[model]\nlayers = [\"linear 8\", \"relu\", \"linear\"]\n\n\
                  [train]\nlr = 0.05\nbatch = 16\nepochs = 2\nseed = 3\n";
    place.write("here/recipe.toml", recipe);
    place.done("train --recipe here/recipe.toml --lr 0.2 --steps 12 --device cpu --out run");
    let text = place.text("run/recipe.toml");
    for line in
        ["lr = 0.2", "steps = 12", "batch = 16", "seed = 3", "validation = 0.2", "test = 0.0", "optimizer = \"adamw\""]
    {
        assert!(text.lines().any(|found| found == line), "no {line:?} in {text}");
    }
    assert!(!text.contains("epochs"), "{text}");
    place.done("train --recipe run/recipe.toml --device cpu --out again");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
        assert!(place.read(&format!("run/{file}")) == place.read(&format!("again/{file}")), "{file} differs");
    }
    place.done("train --recipe run/recipe.toml --device cpu --seed 4 --out other");
    assert!(place.read("run/last.safetensors") != place.read("other/last.safetensors"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_the_gpu() {
    if support::gpu().is_none() {
        return;
    }
    let place = Place::new();
    for run in ["a", "b"] {
        let out = place.done(&format!("--device gpu --steps 25 {LAYERS} --out {run}"));
        assert!(!out.contains("CPU,"), "{out}");
    }
    for file in ["last.safetensors", "model.safetensors", "steps.csv"] {
        assert!(place.read(&format!("a/{file}")) == place.read(&format!("b/{file}")), "{file} differs");
    }
}

#[test]
fn a_limited_run_goes_on_as_if_it_had_never_ended() {
    let place = Place::new();
    let train = format!("--device cpu {LAYERS}");
    let whole = place.done(&format!("{train} --steps 50 --out whole"));
    // 20 steps are an epoch: the first part ends within one, the second at the end of one.
    place.done(&format!("{train} --steps 30 --out parts"));
    place.done("train --resume parts --steps 40 --device cpu");
    let parts = place.done("train --resume parts --steps 50 --device cpu");
    assert!(parts.contains("resumed  after 40 steps"), "{parts}");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("parts/{file}")), "{file} differs");
    }
    let answer = |out: &str| out.lines().find(|line| line.starts_with("test accuracy")).map(str::to_owned);
    assert_eq!(answer(&whole), answer(&parts));
    place.refused("train --resume parts --steps 10 --device cpu", &["50 steps done", "10"]);
    for fixed in ["--batch 7", "--measure accuracy", "--optimizer adam"] {
        assert_eq!(place.run(&format!("train --resume parts {fixed}")).code, Some(2), "{fixed}");
    }
}

/// Adam corrects its means by the number of updates from the first, wherever a run was stopped.
#[test]
fn a_run_by_adam_goes_on_as_if_it_had_never_ended() {
    let place = Place::new();
    let train = format!("--device cpu {LAYERS} --optimizer adamw --lr 0.01");
    place.done(&format!("{train} --steps 50 --out whole"));
    place.done(&format!("{train} --steps 30 --out parts"));
    place.done("train --resume parts --steps 50 --device cpu");
    for file in ["last.safetensors", "model.safetensors", "steps.csv", "recipe.toml"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("parts/{file}")), "{file} differs");
    }
    assert!(place.text("whole/recipe.toml").contains("optimizer = \"adamw\""));
}

/// A step of a schedule is a step of the run, whatever the epoch: at a rate of 0 nothing changes any more.
#[test]
fn a_schedule_sets_the_rate_of_each_step() {
    let place = Place::new();
    place.write("points.csv", table(40));
    let head = "[data]\nsource = \"points.csv\"\nshuffle = false\nvalidation = 0.0\ntest = 0.0\n[model]\nlayers = [\"linear\"]\n[train]\noptimizer = \"sgd\"\nlr = 0.1\nbatch = 40\n";
    let losses = |name: &str, lines: &str| -> Vec<f32> {
        place.write("recipe.toml", format!("{head}{lines}\n"));
        place.done(&format!("train --recipe recipe.toml --device cpu --out {name}"));
        rows(&place.text(&format!("{name}/steps.csv")), "step,loss").into_iter().map(|(_, loss)| loss).collect()
    };
    let plain = losses("plain", "steps = 9\nschedule = \"constant\"");
    // Two epochs of one step each at the rate, then a hundred-millionth of it.
    let stepped = losses("stepped", "steps = 9\nschedule = \"step every=2epochs factor=1e-8\"");
    assert_eq!(plain[..3], stepped[..3]);
    assert!(plain[3] < plain[2] && stepped[3..].iter().all(|loss| *loss == stepped[2]), "{stepped:?}");
    assert!(place.text("stepped/recipe.toml").contains("schedule = \"step every=2epochs factor=1e-8\""));
    assert!(place.text("plain/recipe.toml").contains("schedule = \"constant\""));
    place.write("recipe.toml", format!("{head}steps = 500\nschedule = \"cosine warmup=500\"\n"));
    place.refused("train --recipe recipe.toml --device cpu --out long", &["warmup", "cosine warmup=500", "has 500"]);
}

#[test]
fn a_run_on_the_gpu_goes_on_as_if_it_had_never_ended() {
    if support::gpu().is_none() {
        return;
    }
    for flags in ["", "--optimizer adam --lr 0.01 --clip 1 --max-norm 2 --schedule 'exponential factor=0.9'"] {
        let place = Place::new();
        place.done(&format!("--device gpu {LAYERS} {flags} --steps 50 --out whole"));
        place.done(&format!("--device gpu {LAYERS} {flags} --steps 30 --out parts"));
        place.done("train --resume parts --steps 50 --device gpu");
        for file in ["last.safetensors", "model.safetensors", "steps.csv", "epochs.csv", "recipe.toml"] {
            let same = place.read(&format!("whole/{file}")) == place.read(&format!("parts/{file}"));
            assert!(same, "{flags}: {file} differs");
        }
    }
}

/// `model.safetensors` has the weights after the epoch with the lowest validation loss, here one before the last.
#[test]
fn the_model_is_the_best_and_not_the_last() {
    let place = Place::new();
    place.write("points.csv", table(100));
    // A rate at which the loss goes up and down.
    let train = "train points.csv --device cpu --batch 16 --optimizer sgd --schedule constant --lr 1 --layers 'linear 8, relu, linear' --quiet";
    place.done(&format!("{train} --epochs 12 --out run"));
    let text = place.text("run/epochs.csv");
    let losses: Vec<f64> = text.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().parse().unwrap()).collect();
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let epoch = losses.iter().position(|loss| *loss == lowest).unwrap() + 1;
    assert!(epoch > 1 && epoch < losses.len(), "the case shows nothing: {losses:?}");
    let model = |name: &str| Model::read(&place.path(name)).unwrap();
    let best = model("run/model.safetensors");
    assert_eq!(best.described().unwrap().best, Some((lowest, epoch as u64)));
    // A run that ends after that epoch has the same weights at its end.
    place.done(&format!("{train} --epochs {epoch} --out short"));
    let (short, last) = (model("short/last.safetensors"), model("run/last.safetensors"));
    for (name, values) in &best.tensors {
        assert!(short.tensors[name] == *values && last.tensors[name] != *values, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_the_run_goes_on_to_the_same_bytes() {
    stopped_and_gone_on("");
}

/// Adam has two states, counts its updates, and here follows a rate that changes at every step.
#[cfg(unix)]
#[test]
fn ctrl_c_saves_a_run_by_adam_too() {
    stopped_and_gone_on("--optimizer adam --lr 0.003 --schedule 'exponential factor=0.9' --clip 1 --max-norm 2");
}

#[cfg(unix)]
fn stopped_and_gone_on(flags: &str) {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    let place = Place::new();
    let train = format!("--device cpu --seed 5 --batch 8 {LAYERS} {flags}");
    let mut command = place.stoppable(&place.command(&format!("{train} --epochs 100000 --out parts")));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    // More than its header is written once the run is well under way.
    while std::fs::metadata(place.path("parts/steps.csv")).map_or(0, |file| file.len()) < 1000 {
        assert!(started.elapsed() < Duration::from_secs(60), "the run does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let stopped: super::place::Ran = child.wait_with_output().unwrap().into();
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    assert!(stopped.err.contains("go on with: wgrad train --resume parts"), "{stopped:?}");
    let done = place.text("parts/steps.csv").lines().count() - 1;
    assert!(done > 0 && stopped.err.contains(&format!("stopped after {done} steps")), "{stopped:?}");
    let steps = done + 37;
    place.done(&format!("train --resume parts --steps {steps} --device cpu"));
    place.done(&format!("{train} --steps {steps} --out whole"));
    for file in ["last.safetensors", "steps.csv", "epochs.csv"] {
        assert!(place.read(&format!("whole/{file}")) == place.read(&format!("parts/{file}")), "{file} differs");
    }
}

#[test]
fn quiet_prints_only_the_end() {
    let place = Place::new();
    let ran = place.run(&format!("--device cpu --epochs 1 {LAYERS} --quiet"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("test accuracy") && !ran.out.contains("epoch  train loss"), "{ran:?}");
    assert!(!ran.out.contains("device   "), "{ran:?}");
}

#[test]
fn json_prints_objects_only() {
    let place = Place::new();
    let lines = place.json(&format!("--device cpu --epochs 2 {LAYERS} --out run"));
    assert_eq!(lines.len(), 3);
    assert!(lines[1]["epoch"] == 2 && lines[1]["step"] == 40 && lines[1]["validation_loss"].is_f64());
    let model = lines[2]["model"].as_str().unwrap().replace('\\', "/");
    assert!(model == "run/model.safetensors" && lines[2]["test"]["n"] == 359);
}

#[test]
fn a_diverging_run_keeps_the_last_good_state() {
    let place = Place::new();
    let line = "train --lr 1e30 --momentum 0 --layers 'linear 8, relu, linear' --device cpu --out run --quiet";
    let ran = place.run(line);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let names =
        ["(step 1, epoch 1)", "layer 2.linear", "smaller --lr", "nothing was saved before", "run/diverged.safetensors"];
    sentence(line, &ran, &names);
    assert!(!place.path("run/last.safetensors").exists());
    let bytes = place.read("run/diverged.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (name, tensor) in file.tensors() {
        let floats = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        assert!(floats.into_iter().all(f32::is_finite), "{name}");
    }
    assert_eq!(place.text("run/steps.csv").lines().count(), 2);
}

#[test]
fn a_state_that_is_not_finite_is_not_saved() {
    let place = Place::new();
    place.write("points.csv", "x,label\n3e38,a\n3e38,b\n3e38,a\n3e38,b\n");
    let line = "train points.csv --optimizer sgd --lr 3e38 --normalize none --init small --layers linear --device cpu --validation 0 \
                --test 0 --batch 4 --out run --quiet";
    let ran = place.run(line);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    sentence(line, &ran, &["(step 1, epoch 2)", "the update of step 0", "0.weight of layer 0.linear", "--lr"]);
    assert!(!place.path("run/last.safetensors").exists() && !place.path("run/diverged.safetensors").exists());
}

/// A row to validate on that is too large for any weights: what goes on with the run meets the same validation.
#[test]
fn a_validation_that_is_not_finite_is_told_again_on_resume() {
    let place = Place::new();
    let row = |i: usize| format!("{},1,{}\n", i % 3, ["a", "b"][i % 2]);
    let rows = |large: usize| (0..40).map(move |i| if i == large { "-3e38,3e38,a\n".into() } else { row(i) });
    let train = "train points.csv --normalize none --init large --lr 1e-4 --layers 'linear 4, linear' --device cpu \
                 --validation 0.1 --test 0 --batch 9 --quiet --out";
    let diverged = |large: usize| {
        place.write("points.csv", std::iter::once("x,y,label\n".to_owned()).chain(rows(large)).collect::<String>());
        let (name, ran) = (format!("run-{large}"), place.run(&format!("{train} run-{large}")));
        ran.err.contains("the validation loss is").then_some((name, ran))
    };
    let (name, first) = (0..40).find_map(diverged).expect("one row in ten is validated on");
    assert_eq!(first.code, Some(1), "{first:?}");
    for resume in ["", " --epochs 30"] {
        let line = format!("train --resume {name} --device cpu --quiet{resume}");
        let again = place.run(&line);
        let note = format!("note: {name} was ended before anything of it was saved: it starts from its first step\n");
        assert!(again.code == Some(1) && again.err == note.clone() + &first.err, "{line}: {again:?}, not {first:?}");
    }
}

/// Clipping has nothing to do where nothing is trained.
#[test]
fn a_network_without_weights_runs() {
    let place = Place::new();
    place.write("points.csv", table(40));
    place.done("train points.csv --layers tanh --clip 1 --max-norm 1 --epochs 1 --batch 8 --device cpu --quiet");
}
