//! The README holds: its commands run, its recipe is the one that they use, and its table of settings is that of the program.
#![allow(clippy::unwrap_used, reason = "a test")]
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::Command;
use wgrad::train::{FIXED, POSITIONAL, SETTINGS};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// The blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A folder `shapes` with pictures of two classes, and `new.png`.
fn shapes(folder: &Path) {
    for i in 0..16u8 {
        let class = folder.join("shapes").join(["circle", "square"][usize::from(i % 2)]);
        fs::create_dir_all(&class).unwrap();
        let side = i32::from(i / 2);
        let is_in = |x: i32, y: i32| if i % 2 == 0 { x * x + y * y < 20 + side } else { x.abs().max(y.abs()) < 4 };
        let pixel = |x: u32, y: u32| image::Luma([if is_in(x as i32 - 6, y as i32 - 5) { 200 + i } else { i }]);
        let picture = image::GrayImage::from_fn(12, 12, pixel);
        picture.save(class.join(format!("{i}.png"))).unwrap();
        picture.save(folder.join("new.png")).unwrap();
    }
}

#[test]
fn every_command_runs_as_pasted() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    for entry in fs::read_dir(Path::new(ROOT).join("assets")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join("assets").join(entry.file_name())).unwrap();
    }
    shapes(folder.path());
    let binary = Path::new(env!("CARGO_BIN_EXE_wgrad")).parent().unwrap();
    let path = std::env::join_paths(
        [binary.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let path = path.unwrap();
    let commands: Vec<String> = blocks(&readme(), "sh")
        .iter()
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with("wgrad "))
        .collect();
    assert!(commands.len() > 12, "{commands:?}");
    for command in commands {
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(folder.path()).env("PATH", &path).env("WGRAD_CACHE", "off");
        let ran = shell.env_remove("WGRAD_DATA").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{command}: {}\n{out}\n{err}", ran.status);
        assert!(!out.trim().is_empty() || command.contains("--out"), "{command} printed nothing");
    }
}

#[test]
fn the_recipe_is_the_one_that_runs() {
    let recipe = fs::read_to_string(Path::new(ROOT).join("assets/iris.toml")).unwrap();
    assert!(blocks(&readme(), "toml").contains(&recipe));
}

/// The table of settings in Markdown.
fn table() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut text = String::new();
    let mut section = "";
    for setting in SETTINGS.iter() {
        if setting.section != section {
            section = setting.section;
            text += &format!("\n| [{section}] | | default |\n| --- | --- | --- |\n");
        }
        let fixed = if setting.has(FIXED) { " *(fixed)*" } else { "" };
        let name = if setting.has(POSITIONAL) {
            format!("{} (DATA on the command line)", setting.name)
        } else {
            setting.name.into()
        };
        text += &format!("| `{}` | {}{fixed} | {} |\n", cell(&name), cell(&setting.doc), cell(&setting.default));
    }
    text + "\n"
}

#[test]
fn the_table_of_settings_is_the_programs() {
    let (begin, end) = ("cargo test --test readme` -->\n", "<!-- end of settings -->");
    let text = readme();
    let (head, rest) = text.split_once(begin).unwrap();
    let (found, tail) = rest.split_once(end).unwrap();
    if std::env::var_os("WGRAD_UPDATE").is_some() {
        fs::write(Path::new(ROOT).join("README.md"), [head, begin, &table(), end, tail].concat()).unwrap();
        return;
    }
    assert!(
        found == table(),
        "the table of settings in README.md is not current: run WGRAD_UPDATE=1 cargo test --test readme"
    );
}
