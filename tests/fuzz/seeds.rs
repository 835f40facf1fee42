//! Files to begin from.

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgba, codecs::jpeg::JpegEncoder};
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

/// Bytes of a seed that is a text; a longer file is cut after a line.
const TEXT: usize = 3000;
/// Bytes of a seed that is not.
const BINARY: usize = 70_000;

/// The files of a folder of the tests with this ending, in the order of their names.
fn files(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut found = vec![];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && name.ends_with(ending) {
            found.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}

fn trajectories(ending: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trajectories");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("trajectories/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    names.sort();
    names.iter().flat_map(|name| files(name, ending)).map(|(_, bytes)| bytes).collect()
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().take(TEXT).rposition(|&byte| byte == b'\n');
    if bytes.len() <= TEXT { bytes.to_vec() } else { bytes[..end.map_or(TEXT, |end| end + 1)].to_vec() }
}

/// Tables, not packed.
pub fn tables() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = files("cases", ".csv").iter().map(|(_, bytes)| cut(bytes)).collect();
    all.push(cut(&trajectories("data.csv")[0]));
    let quoted = "\u{feff}\"name, or not\",b,c,label\r\n\"a \"\"quoted\"\" one\",1.5,2020-01-31,yes\r\n";
    let made = [
        MIXED,
        quoted,
        "a;b;c\n1,5;2;x\n2,5;;y\n3,5;4;x\n",
        "a\tb\tlabel\n1\t2\tp\n\n3\t4\tq\n",
        "sep=;\na;b\n1;2\n3;4\n",
        "id,when,price,share,y\n1,2021-03-04 10:11:12,\"$1,234.50\",12%,0\n2,2021-03-05,€7,13 %,1\n",
        "a,b,c\n1,0,1\n2,1,0\n3,1,1\n",
        "1,2,3\n4,5,6\n7,8,9\n",
    ];
    all.extend(made.iter().map(|text| text.as_bytes().to_vec()));
    all
}

/// A table with all kinds of columns.
pub const MIXED: &str = "x,colour,size,y\n1,red,,0.5\n2,blue,3,1.5\n3.5,red,4,2.25\n?,green,5,3\n5,blue,6,4.5\n\
                         6,,7,5\n7,red,8,6.5\n8,blue,9,7\n";

/// IDX files of images and of labels, with one after the other's dimensions.
pub fn idx(magic: u32, dims: &[u32]) -> Vec<u8> {
    let words = std::iter::once(&magic).chain(dims).flat_map(|word| word.to_be_bytes());
    words.chain((0..dims.iter().product::<u32>()).map(|value| (value % 7) as u8)).collect()
}

/// Models that a run of the program wrote, and weights of other programs.
pub fn models(folder: &Path) -> Vec<Vec<u8>> {
    let mixed = folder.join("mixed.csv");
    std::fs::write(&mixed, MIXED).unwrap();
    let tab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tab.csv");
    let runs = [
        (
            "tab",
            vec![
                tab.to_str().unwrap(),
                "--optimizer",
                "sgd",
                "--layers",
                "linear 4, batch_norm, relu, dropout 0.5, linear",
            ],
        ),
        ("mixed", vec![mixed.to_str().unwrap(), "--optimizer", "adam", "--layers", "linear 4, prelu, linear"]),
        ("digits", vec!["digits", "--layers", "linear"]),
    ];
    let mut all = vec![];
    for (name, args) in runs {
        let out = folder.join(name);
        let program = Command::new(env!("CARGO_BIN_EXE_wgrad"))
            .arg("train")
            .args(args)
            .args(["--device", "cpu", "--steps", "2", "--quiet", "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
        all.extend(["last.safetensors", "model.safetensors"].map(|file| std::fs::read(out.join(file)).unwrap()));
    }
    all
}

/// Files of weights without a description, and models among them.
pub fn weights() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = files("cases", ".safetensors").into_iter().map(|(_, bytes)| bytes).collect();
    all.extend(trajectories(".safetensors"));
    all.extend(files("golden/ops", ".safetensors").into_iter().map(|(_, bytes)| bytes));
    all.extend(files("pytorch", "mixed.safetensors").into_iter().map(|(_, bytes)| bytes));
    all.retain(|bytes| bytes.len() < BINARY);
    all
}

/// Recipes.
pub fn recipes(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = trajectories("recipe.toml");
    all.extend(["tab", "mixed", "digits"].map(|run| std::fs::read(folder.join(run).join("recipe.toml")).unwrap()));
    all
}

/// Networks, a layer a line.
pub fn notations() -> Vec<Vec<u8>> {
    let networks = [
        "linear 16\nbatch_norm\nrelu\nlinear",
        "linear 256 init=xavier lr=0.1 max_norm=3\nbatch_norm eps=1e-5 momentum=0.1 statistics=population\ngelu\nlinear 4",
        "linear 12 bias=false\nmaxout 3\nprelu per_channel=true\ndropout 0.5 rule=weight_scaling\nlinear",
        "linear 8\nleaky_relu 0.01\nlinear 8\nelu 1.0\nlinear 8\nsilu\nlinear 8\ntanh\nlinear 8\nsigmoid\nlinear",
        "linear 8\nresidual(batch_norm; relu; linear 8; residual(linear 8 bias=false; dropout))\nlinear",
    ];
    networks.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Pictures of several kinds.
pub fn pictures() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = files("cases", ".png").into_iter().map(|(_, bytes)| bytes).collect();
    let pixel = |x: u32, y: u32| Rgba([(x * 20) as u8, (y * 20) as u8, 99, (x * y) as u8]);
    let image = DynamicImage::ImageRgba8(image::RgbaImage::from_fn(12, 9, pixel));
    let kinds = [image.clone(), image.to_luma8().into(), image.to_rgb16().into(), image.to_luma_alpha16().into()];
    for kind in kinds {
        let mut file = Cursor::new(vec![]);
        kind.write_to(&mut file, ImageFormat::Png).unwrap();
        all.push(file.into_inner());
    }
    let rgb = image.to_rgb8();
    let mut jpeg = vec![];
    JpegEncoder::new(&mut jpeg).write_image(&rgb, 12, 9, ExtendedColorType::Rgb8).unwrap();
    all.push(jpeg);
    all
}
