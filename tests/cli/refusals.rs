//! Settings that mean nothing for the data, the network or one another.

use super::place::{Place, table, trained};

fn refused(place: &Place, data: &str, cases: &[(&str, &[&str])]) {
    for (flags, names) in cases {
        place.refused(&format!("train {data} --device cpu --out run {flags}"), names);
    }
    assert!(!place.path("run").exists());
}

/// 40 rows whose y is a number.
fn numbers() -> String {
    let row = |i: usize| format!("{},{}\n", i as f64 / 4.0, (i * i % 17) as f64 + 0.5);
    std::iter::once("x,y\n".to_owned()).chain((0..40).map(row)).collect()
}

#[test]
fn numbers_out_of_range_are_refused() {
    refused(
        &Place::new(),
        "digits",
        &[
            ("--clip 0", &["clip", "more than 0", "not 0"]),
            ("--clip -1", &["clip", "not -1"]),
            ("--clip nan", &["clip", "NaN"]),
            ("--clip inf", &["clip", "inf"]),
            ("--clip 1e-60", &["clip", "32-bit"]),
            ("--max-norm 0", &["max_norm", "more than 0"]),
            ("--max-norm -3", &["max_norm", "not -3"]),
            ("--layers 'linear 8 max_norm=-1, linear'", &["layer 0", "max_norm", "more than 0"]),
            ("--layers 'linear 8 lr=nan, linear'", &["layer 0", "lr"]),
            ("--layers 'linear 8 lr=inf, linear'", &["layer 0", "lr"]),
            ("--optimizer adam --beta1 1", &["beta1", "less than 1"]),
            ("--optimizer adam --beta2 -0.1", &["beta2", "at least 0"]),
            ("--optimizer adam --eps 0", &["eps", "more than 0"]),
            ("--early-stopping 0", &["early_stopping", "at least 1"]),
            ("--class-weights=-1,2,1,1,1,1,1,1,1,1", &["class_weights", "at least 0"]),
            ("--class-weights 0,0,0,0,0,0,0,0,0,0", &["class_weights", "more than 0"]),
            ("--class-weights nan,2,1,1,1,1,1,1,1,1", &["class_weights", "at least 0"]),
            ("--layers 'linear 8, elu 0, linear'", &["layer 1", "alpha", "more than 0"]),
            ("--layers 'linear 8, maxout 1, linear'", &["layer 1", "at least 2"]),
            ("--layers 'linear 8, dropout 0 rule=weight_scaling, linear'", &["layer 1", "nothing to scale"]),
        ],
    );
}

/// In one sentence that names the adapter and what is missing; a recipe's key is no different from the flag.
#[test]
fn float16_is_refused_where_no_matrices_fit() {
    let place = Place::new();
    let cpu: (&str, &[&str]) = ("--precision f16", &["--precision f16", "the CPU path", "no cooperative matrices"]);
    refused(&place, "digits", &[cpu, ("--precision f8", &["precision", "\"f8\"", "f32"])]);
    place.write("half.toml", "[train]\nprecision = \"f16\"\n");
    place.write("quarter.toml", "[train]\nlr = 0.1\nprecision = \"f8\"\n");
    place.refused("train --recipe half.toml --device cpu --out run", &["the CPU path", "no cooperative matrices"]);
    place.refused("train --recipe quarter.toml --device cpu --out run", &["line 3", "precision", "\"f8\""]);
    for command in ["plan digits", "bench w3"] {
        place.refused(&format!("{command} --precision f16 --device cpu"), cpu.1);
    }
    let Some(gpu) = crate::support::gpu() else { return };
    let report = gpu.report();
    if let Err(what) = &report.f16 {
        place.refused("train --precision f16 --device gpu --out run", &[&report.name, what]);
    }
    assert!(!place.path("run").exists());
}

#[test]
fn unknown_names_come_with_the_nearest() {
    refused(
        &Place::new(),
        "digits",
        &[
            ("--layers 'linear 8, batch_norm statistics=runing, linear'", &["layer 1", "\"runing\"", "mean running?"]),
            ("--layers 'linear 8, dropout 0.5 rule=invertd, linear'", &["layer 1", "\"invertd\"", "mean inverted?"]),
            ("--layers 'linear 8 init=glorott, linear'", &["layer 0", "glorott", "mean glorot?"]),
            ("--layers 'linear 8, prelu per_chanel=true, linear'", &["layer 1", "per_chanel", "mean per_channel?"]),
            ("--schedule 'cosin warmup=5'", &["schedule", "\"cosin\"", "mean cosine?"]),
            ("--schedule 'cosine warmpu=5'", &["schedule", "warmpu", "mean warmup?"]),
            ("--schedule 'step every=5steps'", &["schedule", "every", "5steps"]),
            ("--schedule step", &["schedule", "every=30epochs"]),
            ("--init xavir", &["init", "xavir", "mean xavier?"]),
            ("--measure accuracys", &["measure", "mean accuracy?"]),
            ("--loss binary_crossentropy", &["loss", "mean binary_cross_entropy?"]),
            ("--normalize-target standardise", &["normalize_target", "mean standardize?"]),
            ("--decay-only weight", &["decay_only", "mean weights?"]),
            ("--class-weights balance", &["class_weights", "balanced", "\"balance\""]),
        ],
    );
}

#[test]
fn settings_of_another_optimizer_are_refused() {
    refused(
        &Place::new(),
        "digits",
        &[
            ("--beta1 0.8", &["beta1", "belongs to adam, adamw", "sgd"]),
            ("--optimizer rmsprop --nesterov", &["nesterov", "belongs to sgd", "rmsprop"]),
            ("--alpha 0.9", &["alpha", "belongs to rmsprop", "sgd"]),
            ("--optimizer rmsprop --alpha 1", &["alpha", "less than 1"]),
            ("--delta 0.5", &["delta", "belongs to huber", "cross_entropy"]),
            ("--loss huber", &["huber", "10 classes", "cross_entropy"]),
            ("--optimizer sgd --beta2 0.8", &["beta2", "sgd"]),
            ("--eps 1e-6", &["eps", "sgd"]),
            ("--optimizer adamw --momentum 0.9", &["momentum", "adamw"]),
            ("--optimizer adam --nesterov", &["nesterov", "adam"]),
            ("--optimizer adam --decay decoupled", &["decay", "adam"]),
        ],
    );
}

#[test]
fn schedules_longer_than_the_run_are_refused() {
    refused(
        &Place::new(),
        "digits",
        &[
            ("--steps 100 --schedule 'cosine warmup=1000'", &["warmup", "1000 steps", "has 100"]),
            ("--steps 100 --schedule 'cosine warmup=100'", &["warmup", "100 steps", "has 100"]),
            // 20 steps of 64 rows are an epoch of 1258.
            ("--epochs 3 --schedule 'cosine warmup=3epochs'", &["warmup", "60 steps", "has 60"]),
            ("--steps 100 --schedule 'step every=100'", &["every", "never change", "has 100"]),
            ("--epochs 2 --schedule 'step every=30epochs'", &["every", "600 steps", "has 40"]),
            ("--steps 10 --schedule 'exponential every=11'", &["every", "has 10"]),
            ("--steps 3 --schedule one_cycle", &["one_cycle", "3 steps"]),
            ("--schedule 'one_cycle peak=1'", &["peak", "less than 1"]),
            ("--schedule 'step every=0'", &["every", "at least 1"]),
        ],
    );
}

#[test]
fn settings_that_do_not_fit_the_target_are_refused() {
    let place = Place::new();
    place.write("numbers.csv", numbers());
    place.write("points.csv", table(40));
    place.write("labels.csv", "x,a,b\n1,0,1\n2,1,0\n3,1,1\n4,0,0\n5,1,0\n6,0,1\n7,1,1\n8,0,0\n9,1,1\n10,0,1\n");
    refused(
        &place,
        "digits",
        &[
            ("--loss binary_cross_entropy --layers 'linear 1'", &["binary_cross_entropy", "there are 10"]),
            ("--class-weights 1,2", &["class_weights", "2 numbers for 10 classes"]),
            ("--normalize-target standardize", &["normalize_target", "leave it out"]),
            ("--early-stopping 3 --validation 0", &["early_stopping", "--validation"]),
            ("--measure accuracy --validation 0", &["measure", "--validation"]),
        ],
    );
    refused(
        &place,
        "numbers.csv",
        &[
            ("--label-smoothing 0.1", &["label_smoothing", "mse"]),
            ("--class-weights balanced", &["class_weights"]),
            ("--measure accuracy", &["measure", "accuracy", "loss"]),
            ("--loss cross_entropy", &["cross_entropy", "mse"]),
            ("--layers 'linear 3'", &["layer 0.linear", "takes 1"]),
        ],
    );
    refused(
        &place,
        "points.csv --layers 'linear 1'",
        &[
            ("--label-smoothing 0.1", &["label_smoothing", "binary_cross_entropy"]),
            ("--class-weights 1,2,3", &["class_weights", "3 numbers for 2 classes", "over, under"]),
            ("--loss mse", &["mse", "end in a sigmoid"]),
            ("--loss cross_entropy", &["layer 0.linear", "takes 2"]),
        ],
    );
    refused(
        &place,
        "points.csv --layers 'linear 1, sigmoid'",
        &[("--loss mse --class-weights 1,2", &["class_weights", "mse"])],
    );
    refused(
        &place,
        "labels.csv --target a,b",
        &[
            ("--label-smoothing 0.1", &["label_smoothing", "binary_cross_entropy"]),
            ("--class-weights 1,2", &["class_weights", "one class for each row"]),
            ("--loss mse", &["mse", "binary_cross_entropy"]),
            ("--layers 'linear 1'", &["layer 0.linear", "takes 2"]),
        ],
    );
}

#[test]
fn what_a_model_lacks_is_refused() {
    let place = Place::new();
    place.write("points.csv", table(60));
    let with = trained(&place, "points.csv", "with");
    let plain = "--layers 'linear 4, relu, linear' --device cpu --steps 5 --batch 16 --quiet";
    place.done(&format!("train points.csv {plain} --out without"));
    let without = "without/model.safetensors";
    place.write("large.csv", "x,y\n1,2\n3e38,-3e38\n");
    let large = "--layers 'linear 16, relu, linear' --init large --normalize none --lr 0";
    place.done(&format!("train points.csv {large} --device cpu --steps 1 --batch 16 --quiet --out large"));
    for (line, names) in [
        (format!("predict {without} points.csv --samples 5"), ["no dropout", "--samples"]),
        (format!("eval {without} points.csv --samples 5"), ["no dropout", "--samples"]),
        ("predict large/model.safetensors large.csv".into(), ["large.csv:2", "too large"]),
        (format!("export {without} --out folded.safetensors --fold"), ["no batch_norm", "--fold"]),
        (format!("export {with} --out points.csv"), ["points.csv", "--out"]),
        (format!("export {with} --out net.onnx"), ["ONNX", ".safetensors"]),
        (format!("export {with} --out no/such/folder.safetensors"), ["no/such/folder", "written"]),
        ("export nosuch --out copy.safetensors".into(), ["nosuch", "read"]),
    ] {
        let device = if line.starts_with("export") { "" } else { " --device cpu" };
        place.refused(&format!("{line}{device}"), &names);
    }
    // What the argument parser itself refuses takes more than one line.
    for line in [
        "train --resume with --optimizer adam",
        "train --resume with --measure accuracy",
        "predict with/model.safetensors points.csv --samples 0",
        "eval with/model.safetensors points.csv --seed 3",
    ] {
        let ran = place.run(line);
        assert!(ran.code == Some(2) && ran.err.starts_with("error: "), "{line}: {ran:?}");
    }
}

/// Settings of tables mean nothing for pictures.
#[test]
fn settings_of_tables_are_refused_for_pictures() {
    let place = Place::new();
    for (flags, setting) in [
        ("--header true", "header"),
        ("--separator tab", "separator"),
        ("--decimal comma", "decimal"),
        ("--missing xx", "missing"),
    ] {
        place.refused(&format!("train digits {flags} --device cpu --out no"), &["digits", setting, "only tables"]);
    }
    place.done("train digits --device cpu --layers linear --steps 1 --quiet --out run");
    place.write("picture.png", include_bytes!("../cases/bw_3.png"));
    for flag in ["--header true", "--separator tab", "--decimal comma"] {
        let name = flag.split(' ').next().unwrap();
        place.refused(&format!("predict run/model.safetensors picture.png {flag} --device cpu"), &[name, "table"]);
        place.refused(&format!("eval run/model.safetensors digits {flag} --device cpu"), &["digits", "only tables"]);
    }
}
