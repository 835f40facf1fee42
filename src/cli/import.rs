//! `wgrad import`

use super::args::ImportArgs;
use super::say::{note, say};
use super::setting;
use crate::data::{Affine, Framing, Normalize};
use crate::device::Device;
use crate::error::Error;
use crate::export::{Metadata, Model, Normalization};
use crate::nn::{Answer, Head, Loss, Network, Problem};
use crate::run::Predictor;

/// The largest value of a pixel.
const LARGEST: f32 = 255.0;

/// The kind of a normalisation by `--mean` and `--std`, which no recipe can name.
const GIVEN: &str = "given";

pub(super) fn run(args: &ImportArgs) -> Result<u8, Error> {
    if args.out.exists() {
        return Err(setting(format!("{} is there: name another file with --out", args.out.display())));
    }
    let (mut model, notes) = Model::open(&args.file)?;
    notes.iter().for_each(|text| note!("{text}"));
    if model.metadata.is_some() {
        let shown = args.file.display();
        return Err(setting(format!("{shown} is a model of wgrad already: train with --init-from takes it as it is")));
    }
    let names = classes(args, &model)?;
    let problem = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names };
    let head = Head::classes(problem.names.len());
    let layers: Vec<String> = crate::nn::items(&args.layers).into_iter().map(|text| text.trim().to_owned()).collect();
    let network = Network::read(&layers, head, None)?;
    let (input, normalize) = input(args)?;
    let mut metadata = Metadata::new(network.texts(), input.clone(), &problem, normalize);
    metadata.framing = match input[..] {
        [_, height, width] => Framing::Middle { short: args.scale.map_or(height.min(width), |side| side as usize) },
        _ => Framing::default(),
    };
    model.metadata = Some(metadata);
    // What does not load is not passed on.
    Predictor::for_inputs(&model, input.len() == 3, None, &Device::CPU)?;
    model.save(&args.out)?;
    say!("network  {}", network.texts().join(", "));
    say!("model    {}", args.out.display());
    Ok(0)
}

/// The names of the classes: as they are given, else the numbers of the outputs of the last layer.
fn classes(args: &ImportArgs, model: &Model) -> Result<Vec<String>, Error> {
    if let Some((at, name)) = args.classes.iter().enumerate().find(|(at, name)| args.classes[..*at].contains(name)) {
        return Err(setting(format!(
            "--classes names {name:?} twice, the second time as class {at}: give each class a name of its own"
        )));
    }
    if !args.classes.is_empty() {
        return Ok(args.classes.clone());
    }
    // The last layer is that of the weight with the largest index.
    let place = |name: &str| name.split('.').next().and_then(|index| index.parse::<usize>().ok());
    let of_weight = model.tensors.iter().filter(|(name, _)| name.ends_with(".weight"));
    let last = of_weight.filter_map(|(name, values)| Some((place(name)?, values.sizes()?))).max_by_key(|(at, _)| *at);
    match last {
        Some((_, [outputs, _])) => Ok((0..*outputs).map(|class| class.to_string()).collect()),
        _ => Err(setting(format!(
            "{}: nothing says how many classes it knows: name them with --classes",
            args.file.display()
        ))),
    }
}

/// The shape of one input, and how it is normalised.
fn input(args: &ImportArgs) -> Result<(Vec<usize>, Normalization), Error> {
    let shape: Result<Vec<usize>, _> = args.shape.split('x').map(|side| side.trim().parse::<usize>()).collect();
    let shape = shape.ok().filter(|shape| matches!(shape.len(), 1 | 3) && !shape.contains(&0));
    let shape = shape.ok_or_else(|| {
        setting(format!("--shape cannot be {:?}: give channels, height and width, as in 3x224x224", args.shape))
    })?;
    let features: usize = shape.iter().product();
    let largest = if shape.len() == 3 { LARGEST } else { 0.0 };
    if !args.mean.is_empty() {
        let affine = by_channel(&args.mean, &args.std, &shape)?;
        return Ok((shape, Normalization::new(GIVEN.to_owned(), largest, &affine)));
    }
    let usual = if let [3, _, _] = shape[..] { Normalize::ImageNet } else { Normalize::None };
    let Some(kind) = args.normalize.or((shape.len() == 1 || usual != Normalize::None).then_some(usual)) else {
        return Err(setting(
            "nothing says how these pictures are scaled: give --normalize scale or none, or --mean and --std",
        ));
    };
    let affine = match (kind, &shape[..]) {
        (Normalize::None, _) => Affine::none(features),
        (Normalize::Scale, [_, _, _]) => {
            Affine { offset: vec![0.0; features], factor: vec![1.0 / f64::from(LARGEST); features] }
        }
        (Normalize::ImageNet, [3, height, width]) => Affine::imagenet(height * width, LARGEST.into()),
        (kind, _) => {
            return Err(setting(format!(
                "--normalize cannot be {kind} here, as nothing is trained on: give none, scale, or imagenet for shapes 3xHxW"
            )));
        }
    };
    Ok((shape, Normalization::new(kind.to_string(), largest, &affine)))
}

/// The map by numbers that the user gives for each channel.
fn by_channel(mean: &[f64], deviation: &[f64], shape: &[usize]) -> Result<Affine, Error> {
    let [channels, height, width] = *shape else {
        return Err(setting("--mean and --std are for pictures: give --shape as in 3x224x224, or --normalize none"));
    };
    if mean.len() != channels || deviation.len() != channels {
        let (means, deviations) = (mean.len(), deviation.len());
        return Err(setting(format!(
            "--mean has {means} and --std has {deviations} numbers, but pictures have {channels} channels: give one for each"
        )));
    }
    let affine = Affine::by_channel(mean, deviation, height * width, LARGEST.into());
    let sound = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
    if !sound(&affine.offset) || !sound(&affine.factor) || deviation.iter().any(|&deviation| deviation <= 0.0) {
        return Err(setting("--mean takes finite numbers and --std numbers above 0, for values from 0 to 1"));
    }
    Ok(affine)
}
