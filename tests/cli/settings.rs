//! Layers, recipes and flags that cannot be.

use super::place::{Place, table};
use super::support;

fn layers(text: &str) -> String {
    format!("train --device cpu --steps 1 --out run --layers '{text}'")
}

#[test]
fn layers_that_cannot_be_are_refused() {
    let place = Place::new();
    for (text, names) in [
        ("liner 8, linear", ["layer 0 (\"liner 8\")", "mean linear?"]),
        ("linear 8, relo, linear", ["layer 1 (\"relo\")", "mean relu?"]),
        ("linear 8, linear 9", ["layer 1.linear", "takes 10, one for each class"]),
        ("linear 8, relu", ["layer 1.relu", "8 values"]),
        ("linear, relu, linear", ["layer 0.linear", "last linear"]),
        ("linear 0, linear", ["layer 0", "at least 1"]),
        ("linear -3, linear", ["layer 0", "whole number"]),
        ("linear 8 9, linear", ["layer 0", "\"9\""]),
        ("linear 8 bias=maybe, linear", ["bias", "\"maybe\""]),
        ("linear 8 biass=true, linear", ["biass", "bias"]),
        ("relu slope=1, linear", ["layer 0", "slope"]),
        ("leaky_relu 0, linear", ["leaky_relu 0", "more than 0"]),
        ("linear 64, maxout 3, linear", ["layer 1.maxout", "64 is not a multiple of 3"]),
        ("dropout 1.5, linear", ["dropout 1.5", "less than 1"]),
        ("dropout nan, linear", ["dropout nan", "less than 1"]),
        ("dropout 0.999999999999, linear", ["dropout", "32-bit"]),
        ("batch_norm eps=0, linear", ["batch_norm eps=0", "more than 0"]),
        ("batch_norm eps=1e-60, linear", ["batch_norm", "32-bit"]),
        ("batch_norm momentum=2, linear", ["momentum", "from 0 to 1"]),
        ("", ["layer 0", "empty"]),
        ("linear 8,, linear", ["layer 1", "empty"]),
    ] {
        place.refused(&layers(text), &names);
    }
}

#[test]
fn a_network_that_no_machine_holds_is_refused_before_it_is_made() {
    let place = Place::new();
    for (text, names) in [
        ("linear 4000000000, linear", ["layer 0.linear", "1024000000000 bytes"]),
        ("linear 18446744073709551615, linear", ["layer 0.linear", "bytes"]),
        ("linear 4000000, linear 4000000, linear", ["layer 1.linear", "64000000000000 bytes"]),
        ("linear 30000, linear 30000, linear 30000, linear", ["bytes", "smaller"]),
        ("linear 60000, linear 60000, linear 60000, linear 60000, linear", ["bytes", "smaller"]),
    ] {
        // The last networks fit a large machine: it is only asked whether they do where they do not here.
        if names[1] != "smaller" || memory() < 64 << 30 {
            place.refused(&layers(text), &names);
            place.refused(
                &layers(text).replace("train", "plan").replace("--out run", "").replace("--steps 1", ""),
                &names,
            );
        }
    }
    if support::gpu().is_some() {
        let line = layers("linear 4000000000, linear").replace("--device cpu", "--device gpu");
        place.refused(&line, &["layer 0.linear", "bytes"]);
    }
}

fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    total.and_then(|kib| kib.trim().strip_suffix(" kB")?.trim().parse().ok()).map_or(u64::MAX, |kib: u64| kib * 1024)
}

#[test]
fn flags_that_cannot_be_are_refused() {
    let place = Place::new();
    for (flags, names) in [
        ("--lr -1", ["lr", "-1"]),
        ("--lr nan", ["lr", "NaN"]),
        ("--lr inf", ["lr", "inf"]),
        ("--lr 1e39", ["lr", "1e39"]),
        ("--momentum 1", ["momentum", "less than 1"]),
        ("--momentum -0.1", ["momentum", "at least 0"]),
        ("--momentum 0.9999999999", ["momentum", "32-bit"]),
        ("--weight-decay -1", ["weight_decay", "-1"]),
        ("--label-smoothing 1", ["label_smoothing", "less than 1"]),
        ("--nesterov --momentum 0", ["nesterov", "momentum"]),
        ("--epochs 0", ["epochs", "at least 1"]),
        ("--steps 0", ["steps", "at least 1"]),
        ("--epochs 1 --steps 1", ["epochs", "steps"]),
        ("--epochs 18446744073709551615", ["steps", "4294967295"]),
        ("--batch 0", ["batch", "at least 1"]),
        ("--batch 1 --layers 'linear 8, batch_norm, linear'", ["layer 1.batch_norm", "2 rows"]),
        ("--batch 5000", ["5000", "1258"]),
        ("--shape 3x3", ["[3, 3]", "[1, 8, 8]"]),
        ("--shape 8x", ["shape", "\"8x\""]),
        ("--shape 0x64", ["shape", "at least 1"]),
        ("--shape 18446744073709551615x2", ["shape", "[1, 8, 8]"]),
        ("--validation 1", ["validation", "less than 1"]),
        ("--validation 0.6 --test 0.6", ["validation", "test"]),
        ("--init hee", ["hee", "he"]),
        ("--normalize scales", ["normalize", "scale"]),
        ("--task regressing", ["task", "regressing"]),
        ("--optimizer sdg", ["optimizer", "sgd"]),
        ("--optimizer adam --momentum 0.9", ["momentum", "adam"]),
        ("--optimizer adamw --decay l2", ["decay", "adamw"]),
        ("--lr 0 --layers 'linear 8 lr=0.1, linear'", ["layer 0", "lr 0"]),
        ("--layers 'linear 8 max_norm=0, linear'", ["max_norm", "more than 0"]),
        ("--layers 'linear 8 lr=-1, linear'", ["lr", "at least 0"]),
        ("--layers 'linear 8 init=normal:0, linear'", ["init", "normal:0.05"]),
        ("--loss mse", ["mse", "cross_entropy"]),
        ("--decay l3", ["decay", "l2"]),
        ("--recipe nosuch.toml", ["nosuch.toml", "no such file"]),
    ] {
        place.refused(&format!("train --device cpu --out run {flags}"), &names);
    }
    // What the argument parser itself refuses takes more than one line.
    for line in
        ["--batch -1", "--seed x", "--layres linear", "eval", "--resume run --batch 3", "--device ''", "--out ''"]
    {
        let ran = place.run(line);
        assert!(ran.code == Some(2) && ran.err.starts_with("error: ") && !ran.err.contains("panicked"), "{ran:?}");
    }
    assert!(!place.path("runs").exists() && !place.path("run").exists());
}

#[test]
fn recipes_that_cannot_be_are_refused_with_their_line() {
    let place = Place::new();
    place.write("points.csv", table(40));
    let head =
        "[data]\nsource = \"points.csv\"\n[model]\nlayers = [\n  \"linear 8\",\n  \"linear\",\n]\n[train]\nbatch = 4\n";
    place.write("recipe.toml", format!("{head}steps = 1\n"));
    place.done("train --recipe recipe.toml --device cpu --out right");
    for (line, names) in [
        ("lerning_rate = 1.0", ["line 10", "unknown key lerning_rate"]),
        ("momentun = 0.9", ["line 10", "mean momentum?"]),
        ("lr = \"fast\"", ["line 10", "lr must be a number"]),
        ("epochs = 1.5", ["line 10", "epochs must be a whole number"]),
        ("layers = \"linear, relu\"", ["line 10", "layers"]),
        ("epochs = -1", ["line 10", "epochs must be a whole number of at least 0"]),
        ("lr = -1.0", ["line 10", "lr must be at least 0"]),
        ("lr = nan", ["line 10", "lr"]),
        ("momentum = 1.0", ["line 10", "less than 1"]),
        ("epochs = 0", ["line 10", "epochs must be at least 1"]),
        ("decay = \"l3\"", ["line 10", "l2"]),
        ("schedule = \"cosin\"", ["line 10", "mean cosine?"]),
        ("optimizer = \"adam\"\nnesterov = false", ["line 11", "nesterov"]),
        ("optimizer = \"sdg\"", ["line 10", "sgd"]),
        ("epochs = 1\nsteps = 1", ["line 10", "epochs and steps"]),
        ("lr = 1.0\nlr = 2.0", ["line 11", "duplicate"]),
        ("lr = ", ["line 10", "recipe.toml"]),
        ("[trian]", ["line 10", "trian"]),
        ("[model.more]", ["recipe.toml line", "more"]),
    ] {
        place.write("recipe.toml", format!("{head}{line}\n"));
        place.refused("train --recipe recipe.toml --device cpu --out run", &[&["recipe.toml"], &names[..]].concat());
    }
    for (from, to, names) in [
        ("\"linear 8\"", "\"linera 8\"", ["line 5", "layer 0", "mean linear?"]),
        ("\"linear 8\"", "\"dropout 2\"", ["line 5", "layer 0", "less than 1"]),
        ("[model]", "init = \"he\"\n[model]", ["line 3", "init", "[model]"]),
        ("[model]", "[model]\ninit = \"hee\"", ["line 4", "init", "mean he?"]),
        ("[model]", "shape = [3]\n[model]", ["[3]", "[2]", "shape"]),
        ("[model]", "validation = 0.5\ntest = 0.5\n[model]", ["line 3", "validation", "less than 1"]),
        ("points.csv", "nosuch.csv", ["nosuch.csv", "no such file", "check"]),
    ] {
        place.write("recipe.toml", head.replace(from, to));
        place.refused("train --recipe recipe.toml --device cpu --out run", &names);
    }
    place.write("recipe.toml", [0xff, 0xfe]);
    place.refused("train --recipe recipe.toml --device cpu --out run", &["recipe.toml", "UTF-8"]);
}
