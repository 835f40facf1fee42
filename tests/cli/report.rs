//! The page about a run.

use super::place::{LAYERS, Place, idx_folder, table};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A report, with the run in `run`.
fn report(place: &Place) -> (String, String) {
    let ran = place.run("report run --device cpu");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("report   run"), "{}", ran.out);
    (place.text("run/report.html"), ran.err)
}

fn has(page: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(page.contains(part), "no {part:?} in the page"));
}

#[test]
fn a_run_on_pictures_is_told_whole() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    // A rate of 0 leaves random weights, so that there are mistakes.
    place.done(&format!("train shapes --device cpu --batch 16 --epochs 3 --lr 0 {LAYERS} --quiet --out run"));
    let eval = place.json("eval run/model.safetensors shapes --device cpu").remove(0);
    let (page, notes) = report(&place);
    assert_eq!(notes, "");
    has(&page, &[&format!("calibration error is {:.4}:", eval["ece"].as_f64().unwrap())]);
    assert!(!page.contains("What matters"));
    let accuracy = format!("<b>{:.2}\u{a0}%</b>", 100.0 * eval["accuracy"].as_f64().unwrap());
    has(&page, &[&accuracy, "95 % interval", "loss of each step", "loss of each epoch", "accuracy of each epoch"]);
    has(&page, &["learning rate", "<h3>confusion</h3>", "<code>batch_norm", "balanced accuracy", "best epoch, 1"]);
    let wrong = 15
        - eval["confusion"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .fold(0, |sum, (i, row)| sum + usize::try_from(row[i].as_u64().unwrap()).unwrap());
    assert!(wrong > 0);
    assert_eq!(page.matches("src=\"data:image/png;base64,iVBOR").count(), wrong);
    // Nothing is taken from elsewhere, and nothing runs.
    for outside in ["http://", "https://", "<script", "url(", "@import", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Again, over itself; but over nothing else.
    place.done("report run --device cpu");
    place.write("mine.html", "<p>mine</p>");
    place.refused("report run --out mine.html", &["mine.html", "--out"]);
    place.done("report run --device cpu --out other.html");
    assert_eq!(place.text("other.html"), page);
}

#[test]
fn a_table_and_numbers_have_reports_too() {
    let place = Place::new();
    place.write("points.csv", table(200));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 1 --lr 0 {LAYERS} --quiet --out run"));
    let page = report(&place).0;
    has(&page, &["<th>true</th><th>predicted</th>", "over", "under", "<h2>Calibration</h2>", "perfectly calibrated"]);
    has(&page, &["<h2>What matters</h2>", "<th>drop in points</th>", "<td>x</td>", "<td>y</td>"]);
    fs::remove_dir_all(place.path("run")).unwrap();
    place.done(&format!("train points.csv --target x --device cpu --batch 16 --epochs 1 {LAYERS} --quiet --out run"));
    let page = report(&place).0;
    has(
        &page,
        &["R²", "root mean squared error", "the mean alone", "<th>target</th>", "rise of the mean squared error"],
    );
    has(
        &page,
        &["in the target&#39;s units squared", ", in units squared</small>", "brought to mean 0 and deviation 1"],
    );
    assert!(!page.contains("confusion</h3>") && !page.contains("Calibration"));
}

/// The section of a page under a title.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let from = page.split_once(&format!("<h2>{title}</h2>")).unwrap_or_else(|| panic!("no section {title}")).1;
    from.split_once("</section>").unwrap().0
}

/// That a page says all that `diagnose` says of the run, but for its own line about the run.
fn diagnosis_is_told(place: &Place, flags: &str) -> String {
    place.done(&format!("report run --device cpu --out told.html {flags}"));
    let (page, text) = (place.text("told.html"), place.done(&format!("diagnose run --device cpu {flags}")));
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let found = plain(&words(section(&page, "Diagnosis"))).replace("next:", "next").replace("&#39;", "'");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("run ")).collect();
    assert!(lines.len() > 4, "{text}");
    lines.iter().for_each(|line| assert!(found.contains(&plain(line)), "no {line:?} in {found}"));
    page
}

#[test]
fn the_diagnosis_is_that_of_diagnose() {
    let place = Place::new();
    place.write("points.csv", table(600));
    let train = format!("train points.csv --device cpu --batch 16 --epochs 1 --lr 0 {LAYERS} --quiet --out run");
    place.done(&train);
    let page = diagnosis_is_told(&place, "");
    has(section(&page, "Diagnosis"), &["<td>training</td><td>384</td>", "Bias is not known without --human-error"]);
    let page = diagnosis_is_told(&place, "--human-error 0.01");
    has(section(&page, "Diagnosis"), &["<td>problem</td>", "<p><b>Next:</b> bias: take a larger network (--layers)"]);
    let ran = place.run("report run --human-error 2");
    assert!(ran.code == Some(2) && ran.err.contains("give a share from 0 to 1"), "{ran:?}");
    // Without rows to validate on, or to test on, the other parts are told.
    fs::remove_dir_all(place.path("run")).unwrap();
    place.done(&format!("{train} --validation 0"));
    let page = diagnosis_is_told(&place, "--human-error 0.01");
    has(
        section(&page, "Diagnosis"),
        &["<td>training</td><td>480</td>", "Variance is not known without validation rows (train with --validation)"],
    );
    assert!(!section(&page, "Diagnosis").contains("<td>validation</td>"));
    fs::remove_dir_all(place.path("run")).unwrap();
    place.done(&format!("{train} --test 0"));
    let page = diagnosis_is_told(&place, "");
    has(&page, &["the result on the test part is left out: the run has no test part", "<td>variance</td>"]);
    assert!(!page.contains("<h2>Result"));
}

#[test]
fn errors_of_numbers_stand_side_by_side() {
    let place = Place::new();
    place.write("points.csv", table(200));
    place.done(&format!("train points.csv --target x --device cpu --batch 16 --epochs 1 {LAYERS} --quiet --out run"));
    let told = place.json("compare run run --device cpu").remove(0)["runs"][0]["test"].clone();
    let page = report(&place).0;
    let found = section(&page, "Diagnosis");
    has(found, &["<td>training</td><td>128</td>", "<td>validation</td><td>32</td>", "Numbers are neither right"]);
    // Four digits of the test part's error and its interval.
    let [low, high] = [0, 1].map(|end| told["rmse_interval"][end].as_f64().unwrap());
    let near = |text: &str, value: f64| (text.parse::<f64>().unwrap() / value - 1.0).abs() < 1e-3;
    let row = words(found.split_once("<td>test</td>").unwrap().1);
    let cells: Vec<&str> = row.split(' ').collect();
    assert!(cells[0] == "40" && near(cells[1], told["rmse"].as_f64().unwrap()), "{row}");
    assert!(near(cells[2], low) && near(cells[4], high) && low < high, "{row}");
    has(section(&page, "Result on the test part"), &[&format!("95 % interval {} to {};", cells[2], cells[4])]);
    assert!(!found.contains("Next") && !found.contains("<th>gap"), "{found}");
}

#[test]
fn a_model_of_no_numbers_is_said_and_the_rest_is_shown() {
    let place = Place::new();
    place.write("points.csv", table(200));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 1 --quiet --out run {LAYERS}"));
    let path = place.path("run/model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].chunks_exact_mut(4).for_each(|value| value.copy_from_slice(&f32::NAN.to_le_bytes()));
    fs::write(&path, bytes).unwrap();
    let (page, notes) = report(&place);
    has(&page, &["the diagnosis is left out", "holds a NaN", "<h2>Curves</h2>"]);
    assert!(notes.contains("the diagnosis is left out") && !page.contains("<h2>Diagnosis"), "{notes}");
}

#[test]
fn what_is_missing_or_broken_is_said_and_the_rest_is_shown() {
    let place = Place::new();
    place.write("points.csv", table(200));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 2 {LAYERS} --quiet --out run"));
    let steps = place.text("run/steps.csv").replacen("\n1,", "\n1,NaN\nhalf", 1);
    place.write("run/steps.csv", &steps[..steps.len() - 3]);
    let (page, notes) = report(&place);
    has(
        &page,
        &["2 lines of steps.csv are not whole", "1 value in steps.csv is no finite number", "loss of each step"],
    );
    assert!(notes.contains("2 lines of steps.csv"), "{notes}");
    // Data that have changed are not measured on, nor those that are gone.
    place.write("points.csv", table(201));
    has(&report(&place).0, &["the data are not those of the run", "loss of each epoch"]);
    for gone in ["points.csv", "run/steps.csv", "run/epochs.csv", "run/last.safetensors", "run/model.safetensors"] {
        fs::remove_file(place.path(gone)).unwrap();
        let (page, _) = report(&place);
        has(&page, &["left out: ", "<h2>Recipe</h2>", "<code>linear 8"]);
        assert!(!page.contains("<h2>Result") && !page.contains("<h2>Diagnosis"), "{gone}");
    }
    has(&report(&place).0, &["steps.csv is not there", "model.safetensors is not there", "no values to draw"]);
    place.refused("report nowhere", &["nowhere", "recipe.toml"]);
    fs::create_dir(place.path("empty")).unwrap();
    place.refused("report empty", &["empty", "holds no run"]);
}

#[test]
fn names_out_of_files_are_escaped() {
    let place = Place::new();
    let row = |i: usize| format!("{i},{}\n", ["<script>alert(1)</script>", "a&b"][i % 2]);
    place.write("odd.csv", format!("x,label\n{}", (0..60).map(row).collect::<String>()));
    place.done(&format!("train odd.csv --target label --device cpu --batch 16 --epochs 1 {LAYERS} --quiet --out run"));
    let page = report(&place).0;
    has(&page, &["&lt;script&gt;alert(1)&lt;/script&gt;", "a&amp;b"]);
    assert!(!page.contains("<script"));
}

/// Chromium's text of a page, or nothing where it is not installed.
fn in_chromium(page: &Path) -> Option<String> {
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|asked| asked.status.success())
    })?;
    let profile = tempfile::tempdir().unwrap();
    let ran = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{log}");
    // What the page's own policy forbids, and what cannot be read, is told of there.
    assert!(!log.contains("CONSOLE"), "{log}");
    Some(String::from_utf8(ran.stdout).unwrap())
}

/// The words between the tags.
fn words(page: &str) -> String {
    let pieces = page.split('<').filter_map(|piece| Some(piece.split_once('>')?.1.trim()));
    pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_browser_reads_the_page_as_it_is_meant() {
    let place = Place::new();
    idx_folder(&place, "shapes", false);
    place.done(&format!("train shapes --device cpu --batch 16 --epochs 2 --lr 0 {LAYERS} --quiet --out run"));
    let steps = place.text("run/steps.csv").replacen("\n1,", "\n1,NaN\n<b>half", 1);
    place.write("run/steps.csv", steps);
    place.write(
        "run/health.csv",
        "epoch,layer,activations\n1,early,1 2\n2,<script>alert(1)</script>,0 5\n2,1.relu,3 4\n",
    );
    let (page, _) = report(&place);
    let Some(read) = in_chromium(&place.path("run/report.html")) else {
        eprintln!("Chromium is not installed: the test of the page in a browser is skipped");
        return;
    };
    let [meant, read] = [&page, &read].map(|page| words(page.split_once("<body>").unwrap().1));
    // The browser writes characters out that it need not escape, and nothing else is changed.
    assert_eq!(read.replace("&nbsp;", "\u{a0}"), meant.replace("&quot;", "\"").replace("&#39;", "'"));
    has(
        &read,
        &["Result on the test part", "confusion", "Curves", "loss of each epoch", "The worst mistakes", "taken for"],
    );
    has(
        &read,
        &[
            "Layers Epoch 2.",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "1.relu",
            "3 4",
            "Recipe",
            "linear 8",
            "dropout 0.1",
        ],
    );
    assert!(!read.contains("early") && read.contains("1 line of steps.csv is not whole"), "{read}");
}

#[test]
fn a_report_goes_where_its_name_says_and_says_so() {
    let place = Place::new();
    place.write("points.csv", table(200));
    place.done(&format!("train points.csv --device cpu --batch 16 --epochs 1 --quiet --out run {LAYERS}"));
    fs::create_dir(place.path("folder")).unwrap();
    for (name, file) in
        [("rep", "rep.html"), ("folder", "folder/report.html"), ("a.htm", "a.htm"), ("nowhere/", "nowhere.html")]
    {
        let told = place.done(&format!("report run --device cpu --out {name}"));
        assert!(told.lines().any(|line| line == format!("report   {file}")), "{told}");
        assert!(place.text(file).starts_with("<!doctype html>"), "{name}");
    }
    place.write("mine.html", "<p>mine</p>");
    place.refused("report run --out mine", &["mine.html", "no report"]);
}

#[test]
fn a_run_on_two_sources_names_either_where_it_is() {
    let place = Place::new();
    place.write("points.csv", table(400));
    place.write("others.csv", table(300));
    let train = "train points.csv --other-source others.csv --device cpu --batch 16 --epochs 1 --quiet --out run";
    place.done(&format!("{train} {LAYERS}"));
    let page = report(&place).0;
    has(&page, &["<p>Trained on others.csv: 1 epochs", "test part of points.csv"]);
    has(section(&page, "Diagnosis"), &["<td>train-dev</td>"]);
}
