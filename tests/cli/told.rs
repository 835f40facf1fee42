//! What is told of settings that are allowed, of data and of long runs.

use super::place::{LAYERS, Place, table};
use std::fs;
use std::path::Path;

fn iris(place: &Place) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/iris.csv");
    place.write("iris.csv", fs::read(file).unwrap());
}

#[test]
fn what_follows_from_extreme_settings_is_told() {
    let place = Place::new();
    iris(&place);
    for (flags, told) in [
        ("--lr 0", &["lr is 0, so training changes no weight"][..]),
        // 150 rows: 148.5 are rounded up.
        ("--test 0.99 --validation 0 --batch 1", &["most rows are held out: 1 of 150 are left to train on"]),
        ("--test 0.001", &["test 0.001 is less than one row: the test part has no rows"]),
        ("--test 0.005", &["the test part has 1 row: its figures say next to nothing"]),
        (
            "--validation 0.03 --test 0.06",
            &["the validation part has 5 rows", "the test part has 9 rows: its figures say little"],
        ),
        ("--epochs 5 --early-stopping 5", &["early_stopping 5 never stops a run of 5 epochs early"]),
        ("--lr 0.5 --weight-decay 2", &["lr times weight_decay is 1"]),
        ("--epochs 2", &[]),
    ] {
        let steps = if flags.contains("epochs") { "" } else { "--steps 1" };
        let text = place.done(&format!("train iris.csv --layers linear {flags} {steps} --device cpu"));
        let all = [
            "lr is 0",
            "held out",
            "less than one row",
            "the test part has",
            "the validation part has",
            "never stops",
            "lr times",
        ];
        for phrase in all {
            assert_eq!(
                text.contains(phrase),
                told.iter().any(|told| told.contains(phrase)),
                "{flags}: {phrase}: {text}"
            );
        }
        told.iter().for_each(|told| assert!(text.contains(told), "{flags}: no {told:?} in {text}"));
    }
}

#[test]
fn all_faults_of_a_recipe_are_told_together() {
    let place = Place::new();
    place.write("points.csv", table(40));
    let recipe = "[data]\nsource = \"points.csv\"\n[model]\nlayers = [\n  \"liner 8\",\n  \"relo\",\n  \"linear\",\n]\n[train]\n\
                  lerning_rate = 1.0\nepochs = 0\nsteps = 3\nmomentum = 2.0\n[trian]\nx = 1\n";
    place.write("recipe.toml", recipe);
    let names = [
        "recipe.toml has 6 faults: line 5: layer 0 (\"liner 8\")",
        "line 6: layer 1 (\"relo\")",
        "line 10: unknown key lerning_rate",
        "line 11: epochs must be at least 1",
        "line 13: momentum must be",
        "line 14: unknown section [trian]",
    ];
    place.refused("train --recipe recipe.toml --device cpu --out run", &names);
    place.write("recipe.toml", "[train]\nepochs = 1\nsteps = 1\n[model]\nlayers = [\"linear\"]\nhidden = [3]\n");
    let names = ["recipe.toml has 2 faults: ", "line 2: epochs and steps", "line 5: layers and hidden"];
    place.refused("train --recipe recipe.toml --device cpu --out run", &names);
    let keys: String = (0..14).map(|key| format!("k{key} = 1\n")).collect();
    place.write("recipe.toml", format!("[train]\n{keys}"));
    place.refused("train --recipe recipe.toml", &["14 faults", "line 11: unknown key k9", "; and 4 more"]);
}

#[test]
fn a_misspelt_command_is_told_whatever_follows() {
    let place = Place::new();
    for (line, names) in [
        ("trian digits", ["\"trian\"", "mean train?"]),
        ("trian", ["\"trian\"", "mean train?"]),
        ("evla model.safetensors digits --device cpu", ["\"evla\"", "mean eval?"]),
        ("predit a b c", ["\"predit\"", "mean predict?"]),
    ] {
        place.refused(line, &names);
    }
    // A second data set is no slip of a command.
    let ran = place.run("digits mnist");
    assert!(ran.code == Some(2) && !ran.err.contains("did you mean"), "{ran:?}");
}

#[test]
fn data_sets_are_listed_as_json() {
    let lines = Place::new().json("data list");
    let rows: Vec<_> = lines.iter().map(|set| (set["name"].as_str().unwrap(), set["rows"].as_u64().unwrap())).collect();
    assert_eq!(rows, [("digits", 1797), ("mnist", 70_000), ("cifar10", 60_000)]);
    assert!(lines.iter().all(|set| ["what", "source", "licence"].iter().all(|key| set[key].is_string())), "{lines:?}");
}

#[cfg(unix)]
#[test]
fn commands_that_are_printed_can_be_pasted() {
    let place = Place::new();
    place.write("my points.csv", table(40));
    let text = place.done(&format!("train 'my points.csv' --device cpu --batch 16 --steps 20 {LAYERS} --out 'my run'"));
    let line = text.lines().last().unwrap().trim();
    assert!(line.ends_with("predict 'my run/model.safetensors' 'my points.csv'"), "{line}");
    let ran = std::process::Command::new("sh").args(["-c", line]).current_dir(place.path("")).output().unwrap();
    assert!(ran.status.success() && ran.stdout.iter().filter(|byte| **byte == b'\n').count() == 40, "{ran:?}");
}

#[test]
fn a_decimal_mark_that_the_numbers_do_not_have_is_told() {
    let place = Place::new();
    iris(&place);
    place.write("comma.csv", "x;y\n1,5;a\n2,5;b\n3,25;a\n4,75;b\n5,5;a\n6,25;b\n7,5;a\n8,5;b\n");
    let train = |what: &str| place.run(&format!("train {what} --device cpu --layers linear --steps 1")).out;
    let text = train("iris.csv --decimal comma");
    assert!(text.contains("decimal is comma, but 600 numbers can only have a decimal point"), "{text}");
    assert!(text.contains("leave --decimal out"), "{text}");
    let text = train("comma.csv --decimal point");
    assert!(text.contains("decimal is point, but 8 numbers can only have a decimal comma"), "{text}");
    for right in ["iris.csv --decimal point", "comma.csv --decimal comma", "iris.csv", "comma.csv"] {
        let text = train(right);
        assert!(text.contains("split    ") && !text.contains("can only have"), "{right}: {text}");
    }
}

/// Rows whose time is a day of March 2024, from one to another.
fn days(from: usize, to: usize, label: bool) -> String {
    let row = |i: usize| format!("{},2024-03-{i:02},{}\n", (i * 37) % 11, if i.is_multiple_of(2) { "a" } else { "b" });
    let rows = (from..=to).map(row);
    let header = if label { "x,day,label\n" } else { "x,date,label\n" };
    std::iter::once(header.to_owned()).chain(rows).collect()
}

#[test]
fn times_of_files_that_overlap_are_told() {
    let place = Place::new();
    for (name, from, to) in [("train", 1, 16), ("later", 17, 24), ("among", 15, 22), ("last", 25, 31)] {
        place.write(&format!("{name}.csv"), days(from, to, true));
    }
    place.write("untimed.csv", days(17, 24, false));
    let train = |flags: &str| {
        let ran =
            place.run(&format!("train train.csv --time day --device cpu --layers linear --batch 4 --steps 1 {flags}"));
        assert_eq!(ran.code, Some(0), "{flags}: {ran:?}");
        ran.out
    };
    let told = "no later than the last row of";
    for right in ["--test later.csv", "--test last.csv --validation later.csv", "--test later.csv --validation 0"] {
        let text = train(right);
        assert!(!text.contains(told), "{right}: {text}");
    }
    let text = train("--test among.csv --validation 0.25");
    assert!(
        text.contains("among.csv: 2 of its 8 rows are by \"day\" no later than the last row of train.csv"),
        "{text}"
    );
    // Of the validation file, 17 to 22 stand in the test file too.
    let text = train("--test later.csv --validation among.csv");
    assert!(text.contains("among.csv: 2 of its 8 rows are by"), "{text}");
    assert!(
        text.contains("later.csv: 6 of its 8 rows are by \"day\" no later than the last row of among.csv"),
        "{text}"
    );
    assert!(train("--test untimed.csv").contains("untimed.csv: it has no column \"day\""));
    place.write("gap.csv", days(17, 24, true).replace("2024-03-20", ""));
    place.refused("train train.csv --time day --test gap.csv --device cpu", &["gap.csv", "\"day\"", "row 4"]);
}

#[test]
fn phrases_of_the_default_recipe_are_plain() {
    let place = Place::new();
    iris(&place);
    place.write("labels.csv", "x,a,b\n1,0,1\n2,1,0\n3,1,1\n4,0,0\n5,1,0\n6,0,1\n7,1,1\n8,0,0\n9,1,1\n10,0,1\n");
    for (what, told) in [
        ("digits", "default recipe for pictures of 1438 rows with 64 features, 10 classes: "),
        ("iris.csv", "default recipe for a table of 120 rows with 4 features, 3 classes: "),
        ("iris.csv --target petal_width", "rows with 6 features, a regression: "),
        ("labels.csv --target a,b", "rows with 1 feature, 2 labels: "),
    ] {
        let text = place.run(&format!("train {what} --device cpu --steps 1")).out;
        assert!(text.contains(told), "{what}: {text}");
    }
    // Of two classes in few rows more is dropped.
    place.write("two.csv", table(60));
    for (what, dropout) in [("two.csv", "0.5"), ("two.csv --class-weights 1,2", "0.5"), ("iris.csv", "0.1")] {
        let text = place.run(&format!("train {what} --device cpu --steps 1")).out;
        assert!(text.contains(&format!("linear 128, relu, dropout {dropout}, linear 128")), "{what}: {text}");
    }
    let help = place.done("train --help").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("or by themselves: l2 or decoupled"), "{help}");
    assert!(help.contains("sgd 0.1 (0.01 for a regression)"), "{help}");
}

#[test]
fn rows_that_repeat_are_told_with_the_flag_that_helps() {
    let place = Place::new();
    let rows = table(30);
    let (head, rows) = rows.split_once('\n').unwrap();
    place.write("twice.csv", format!("{head}\n{rows}{rows}"));
    let text = place.done("train twice.csv --device cpu --layers linear --steps 1");
    assert!(text.contains("stand in the training part too") && text.contains("(--group COLUMN)"), "{text}");
}

/// Of equally frequent classes balanced weights are all 1, so nothing else may change with them.
#[test]
fn balanced_weights_of_even_classes_change_nothing() {
    let place = Place::new();
    iris(&place);
    for (flags, out) in [("", "without"), ("--class-weights balanced", "balanced")] {
        place.done(&format!("train iris.csv --epochs 2 --device cpu {flags} --out {out}"));
    }
    let recipe = |name: &str| {
        let text = place.text(&format!("{name}/recipe.toml"));
        text.lines().filter(|line| !line.starts_with("class_weights")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(recipe("without"), recipe("balanced"));
    assert!(place.read("without/steps.csv") == place.read("balanced/steps.csv"), "the losses differ");
}

#[test]
fn a_long_run_prints_few_epochs_and_keeps_all() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let line = "train points.csv --device cpu --batch 16 --epochs 200 --layers linear --out";
    let epochs = |text: &str| {
        let number = |line: &str| line.split_whitespace().next()?.parse().ok().filter(|_| line.starts_with("  "));
        text.lines().filter_map(number).collect::<Vec<usize>>()
    };
    let text = place.done(&format!("{line} few"));
    let told = epochs(&text);
    assert!(told.len() <= 30 && told[0] == 1 && told.last() == Some(&200), "{told:?}");
    assert!(told.is_sorted() && text.contains("--verbose shows all"), "{text}");
    let best = text.lines().find(|line| line.starts_with("best ")).unwrap();
    let best: usize = best.split(['h', ',']).nth(1).unwrap().trim().parse().unwrap();
    assert!(told.contains(&best), "{best} is not among {told:?}");
    assert_eq!(place.text("few/epochs.csv").lines().count(), 201);
    let text = place.done(&format!("{line} all --verbose"));
    assert!(epochs(&text) == (1..=200).collect::<Vec<_>>() && !text.contains("--verbose"), "{text}");
    assert_eq!(place.json(&format!("{line} json")).len(), 201);
}
