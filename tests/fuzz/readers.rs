//! The readers, each with what the program does next with what it has read.

use crate::forms::Form;
use crate::{mutate, seeds};
use rand::RngExt;
use std::path::Path;
use wgrad::data::{self, Format, Fractions, Normalize, Options, Picture, Rendering, Task, Trained};
use wgrad::device::Device;
use wgrad::error::Error;
use wgrad::export::{self, Model};
use wgrad::nn::{Head, Network};
use wgrad::op::Target;
use wgrad::random::Stream;
use wgrad::run::{Compiled, DataShape, Predictor, Purpose, TrainOptions};
use wgrad::train::{self, Recipe, Trainer};

/// A reader under test.
pub struct Reader {
    pub name: &'static str,
    /// Where the input is written, in the folder of the test.
    pub file: &'static str,
    pub seeds: Vec<Vec<u8>>,
    pub forms: &'static [Form],
    pub tokens: &'static [&'static str],
    /// Reads the file, or says why not.
    pub read: fn(&Path) -> Result<(), String>,
}

impl Reader {
    /// One whose inputs are mutated as they are, and that reads nothing yet.
    pub fn raw(name: &'static str, file: &'static str, seeds: Vec<Vec<u8>>, tokens: &'static [&'static str]) -> Self {
        Self { name, file, seeds, forms: &[Form::Raw], tokens, read: |_| Ok(()) }
    }

    /// One input; one in twenty-five is a seed as it is.
    pub fn input(&self, stream: &mut Stream) -> Vec<u8> {
        let seed = &self.seeds[stream.random_range(0..self.seeds.len())];
        let form = self.forms[stream.random_range(0..self.forms.len())];
        let whole = stream.random_range(0..25) == 0;
        form.apply(seed, |bytes| if whole { bytes } else { mutate::mutated(bytes, &self.seeds, self.tokens, stream) })
    }
}

const TABLE: &[&str] = &[
    ",",
    ";",
    "\t",
    "|",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "sep=;\n",
    "\u{feff}",
    "\0",
    "label",
    "target",
    "class",
    "NA",
    "?",
    "nan",
    "None",
    "1,000.50",
    "$5",
    "12%",
    "2020-02-30",
    "2020-01-01T00:00:00Z",
    "01/02/2003",
    "é",
    "\u{1b}[2J",
    "1e39",
    "true",
    "yes",
    ",,,,,,,,",
    "-",
    "+",
    " ",
    "1e",
    "0x10",
];
const RECIPE: &[&str] = &[
    "[data]\n",
    "[train]\n",
    "[model]\n",
    "[",
    "]",
    "=",
    "\"",
    "'''",
    "\\u0000",
    "{",
    "}",
    "#",
    "\n",
    "lr = nan\n",
    "epochs = 18446744073709551615\n",
    "batch = 0\n",
    "layers = []\n",
    "layers = [\"linear 4294967296\"]\n",
    "schedule = \"cosine warmup=1e30\"\n",
    "shape = [4294967296, 4294967296]\n",
    "inf",
    "-1",
    "1e400",
    "[[[[[[[[[[[[[[[[",
    "class_weights = \"1,nan\"\n",
    "validation = 1.0\n",
    "seed = -1\n",
];
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "1e400",
    "-1",
    "[0,18446744073709551615]",
    "\"F32\"",
    "\"I64\"",
    "\"BF16\"",
    "\"shape\":[4294967296,4294967296]",
    "\"data_offsets\":[0,0]",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "\\u0000",
    "\\u001b",
    "\"input\":[2000000000]",
    "linear 100000000",
    "\"version\":1",
    "\"classes\":[]",
    "NaN",
];
const LAYERS: &[&str] = &[
    "\n",
    " ",
    "=",
    "linear",
    "linear 4294967296\n",
    "linear 18446744073709551616",
    "batch_norm",
    "residual(",
    ";",
    ")",
    "relu\n",
    "maxout 0",
    "maxout 1000000",
    "dropout 1.0",
    "dropout nan",
    "eps=0",
    "momentum=2",
    "lr=inf",
    "max_norm=0",
    "bias=maybe",
    "statistics=both",
    "init=normal:1e39",
    "prelu per_channel=true\n",
    "linear 65536\nlinear 65536\n",
    "-1",
    "1e9",
    "é",
];
const PICTURE: &[&str] = &[
    "IHDR",
    "IDAT",
    "IEND",
    "PLTE",
    "tRNS",
    "iCCP",
    "eXIf",
    "zTXt",
    "\0\0\0\0",
    "Exif\0\0MM\0*",
    "\u{7f}\u{7f}\u{7f}\u{7f}",
];

/// All readers, with their seeds; some of those are made by the program, in the folder.
pub fn all(folder: &Path) -> Vec<Reader> {
    let (images, labels) = (seeds::idx(2051, &[6, 4, 3]), seeds::idx(2049, &[6]));
    for (place, file, bytes) in
        [("labels", "train-images-idx3-ubyte", &images), ("images", "train-labels-idx1-ubyte", &labels)]
    {
        std::fs::create_dir_all(folder.join(place)).unwrap();
        std::fs::write(folder.join(place).join(file), bytes).unwrap();
    }
    let (pictured, labelled) = (vec![images, seeds::idx(2051, &[1, 28, 28])], vec![labels, seeds::idx(2049, &[5])]);
    let (both, models) = (&[Form::Raw, Form::Gzip][..], seeds::models(folder));
    let described = &[Form::Raw, Form::Header, Form::Description, Form::Description][..];
    let weights = [seeds::weights(), vec![models.clone(); 4].concat()].concat();
    let raw = Reader::raw;
    vec![
        Reader { forms: both, read: images_of, ..raw("idx images", "images/train-images-idx3-ubyte", pictured, &[]) },
        Reader { forms: both, read: labels_of, ..raw("idx labels", "labels/train-labels-idx1-ubyte", labelled, &[]) },
        Reader { read: table, ..raw("csv", "table.csv", seeds::tables(), TABLE) },
        Reader { read: regression, ..raw("csv numbers", "numbers.csv", seeds::tables(), TABLE) },
        Reader { read: known_table, ..raw("csv for a model", "known.csv", seeds::tables(), TABLE) },
        Reader { forms: &[Form::Gzip], read: table, ..raw("csv packed", "table.csv.gz", seeds::tables(), TABLE) },
        Reader { forms: described, read: model, ..raw("model", "model.safetensors", models.clone(), JSON) },
        Reader { forms: described, read: resumed, ..raw("model resumed", "last.safetensors", models, JSON) },
        Reader { forms: &[Form::Raw, Form::Header], read: started, ..raw("weights", "w.safetensors", weights, JSON) },
        Reader { read: recipe, ..raw("recipe", "recipe.toml", seeds::recipes(folder), RECIPE) },
        Reader { read: notation, ..raw("notation", "layers", seeds::notations(), LAYERS) },
        Reader {
            forms: &[Form::Raw, Form::Png],
            read: picture,
            ..raw("picture", "picture.png", seeds::pictures(), PICTURE)
        },
    ]
}

/// An error as the message that the program prints.
fn told<T, E: Into<Error>>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| Into::<Error>::into(error).to_string())
}

fn images_of(path: &Path) -> Result<(), String> {
    told(data::is_idx(path))?;
    told(data::read_images(path))?;
    labels_of(path)
}

/// The folder of IDX files in which the file is one.
fn labels_of(path: &Path) -> Result<(), String> {
    opened(path.parent().unwrap(), &Options::default())
}

fn table(path: &Path) -> Result<(), String> {
    opened(path, &Options::default())
}

fn regression(path: &Path) -> Result<(), String> {
    opened(path, &Options { task: Some(Task::Regression), ..Options::default() })
}

/// Opens a data set and does to it what a run does.
fn opened(path: &Path, options: &Options<'_>) -> Result<(), String> {
    let opened = told(data::open(path.to_str().unwrap(), options, None))?;
    let split = told(data::split(&opened, Fractions { validation: 0.2, test: 0.2 }, 1))?;
    for kind in [Normalize::Standardize, Normalize::Scale, Normalize::MeanImage] {
        let encoded = told(opened.clone().encode(&split.train, kind))?;
        let dataset = &encoded.dataset;
        if let (false, Some(target)) = (dataset.is_image(), &dataset.target) {
            let (encoding, normalize) = (&dataset.encoding, &encoded.normalize);
            let known = Trained { encoding, normalize, dialect: dataset.dialect.as_ref() };
            told(data::read_features(path, Format::default(), known, true))?;
            told(data::read_labelled(path, Format::default(), known, target, &dataset.targets))?;
        }
    }
    Ok(())
}

/// Reads a table as a model that was trained on another one does.
fn known_table(path: &Path) -> Result<(), String> {
    let model = told(Model::read(&path.with_file_name("mixed").join("model.safetensors")))?;
    let meta = told(model.described())?;
    let affine = meta.normalize.affine(meta.input.iter().product());
    let known = meta.trained(&affine);
    told(data::read_features(path, Format::default(), known, true))?;
    let target = meta.target.clone().unwrap_or_default();
    told(data::read_labelled(path, Format::default(), known, &target, &meta.no_targets()))?;
    Ok(())
}

const CPU: Device = Device::CPU;

/// Predicts by a model, and exports it.
fn model(path: &Path) -> Result<(), String> {
    let model = told(Model::read(path))?;
    let meta = told(model.described())?;
    let bytes = meta.encoding.is_empty();
    let mut predictor = told(Predictor::for_inputs(&model, bytes, None, &CPU))?;
    let features = meta.input.iter().product::<usize>();
    let row = if bytes { data::Values::Bytes(vec![3; features]) } else { data::Values::Floats(vec![0.5; features]) };
    let outputs = told(predictor.outputs(&row))?;
    meta.problem().probabilities(&outputs);
    let scale = meta.scale();
    outputs.iter().enumerate().for_each(|(i, &z)| _ = scale.original(i % meta.classes.len(), z));
    told(export::fold(&model))?;
    Ok(())
}

/// A run to be started, of the network of two of the seeds.
fn job() -> Result<train::Job, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/tab.csv");
    let layers = ["linear 4", "batch_norm", "relu", "dropout 0.5", "linear"].map(str::to_owned);
    let recipe = Recipe {
        source: Some(source.to_str().unwrap().to_owned()),
        layers: Some(layers.to_vec()),
        optimizer: Some("sgd".to_owned()),
        ..Recipe::default()
    };
    Ok(told(train::prepare(&recipe, None))?.0)
}

/// Starts a run from weights.
fn started(path: &Path) -> Result<(), String> {
    let model = told(Model::read(path))?;
    let job = train::Job { init_from: Some(model), ..job()? };
    told(Trainer::new(job, &CPU))?;
    Ok(())
}

/// Goes on with a run.
fn resumed(path: &Path) -> Result<(), String> {
    let model = told(Model::read(path))?;
    let job = train::Job { resume: Some(model), ..job()? };
    let trainer = told(Trainer::new(job, &CPU))?;
    trainer.progress();
    Ok(())
}

fn recipe(path: &Path) -> Result<(), String> {
    let recipe = told(Recipe::open(path))?;
    recipe.text();
    recipe.layers.as_ref().map_or(Ok(()), |layers| compiled(layers, &recipe))
}

fn notation(path: &Path) -> Result<(), String> {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    compiled(&text.split('\n').map(str::to_owned).collect::<Vec<_>>(), &Recipe::default())
}

/// Compiles a network for a small data set, and no memory is taken for its tensors.
fn compiled(layers: &[String], recipe: &Recipe) -> Result<(), String> {
    let data = DataShape { bytes: false, rows: 100, row: vec![64] };
    let optimizer = wgrad::nn::Settings { clip: recipe.clip, max_norm: recipe.max_norm, ..Default::default() };
    let label_smoothing = recipe.label_smoothing.unwrap_or(0.0);
    let options =
        TrainOptions { seed: 1, optimizer, lr: recipe.lr.unwrap_or(0.1), label_smoothing, ..TrainOptions::default() };
    let init = recipe.init;
    let for_classes = |classes: usize| {
        let network = told(Network::read(layers, Head::classes(classes), init))?;
        network.texts();
        told(Compiled::compile(&network, &data, 10, Purpose::Train(options), Target::CPU))
    };
    // The layers may name any number of classes.
    if [1, 2, 4, 10].into_iter().any(|classes| for_classes(classes).is_ok()) {
        return Ok(());
    }
    for_classes(3).map(|_| ())
}

fn picture(path: &Path) -> Result<(), String> {
    for (shape, largest) in [([1, 28, 28], 255.0), ([3, 8, 8], 16.0)] {
        let picture = told(Picture::read(path))?;
        for invert in [false, true] {
            told(picture.row(&Rendering { shape: &shape, largest, invert, ..Rendering::default() }))?;
        }
    }
    Ok(())
}
