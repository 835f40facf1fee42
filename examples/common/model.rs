//! A network in training as a model that predicts, whole or up to one of its layers.

use super::Failure;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wgrad::data::Encoding;
use wgrad::export::{Metadata, Model, Normalization, Values};
use wgrad::nn::{Answer, Loss};
use wgrad::train::Trainer;

/// The first layers of a network with its weights as they are, as a model of as many outputs as the last of them has.
pub fn first_layers(trainer: &mut Trainer, count: usize) -> Result<Model, Failure> {
    let layers = trainer.layers()[..count].to_vec();
    let (outputs, input) = (trainer.programs().shapes[count - 1].width(), trainer.input_shape());
    let mut tensors = BTreeMap::new();
    for tensor in trainer.programs().tensors.clone() {
        let layer: usize = tensor.name.split('.').next().unwrap_or_default().parse()?;
        if layer < count {
            tensors.insert(tensor.name.clone(), Values::Floats(tensor.shape.0, trainer.tensor(&tensor.name)?));
        }
    }
    let (kind, affine) = &trainer.job().normalize;
    let normalize = Normalization::new(kind.to_string(), trainer.job().dataset.largest, affine);
    Ok(described(layers, input, (Answer::Class, Loss::CROSS_ENTROPY), outputs, normalize, tensors))
}

/// A model out of its parts; its outputs are named by their numbers.
pub fn described(
    layers: Vec<String>,
    input: Vec<usize>,
    (answer, loss): (Answer, Loss),
    outputs: usize,
    normalize: Normalization,
    tensors: BTreeMap<String, Values>,
) -> Model {
    let metadata = Metadata {
        pictures: None,
        version: Metadata::VERSION,
        layers,
        input,
        answer,
        loss: loss.to_string(),
        loss_settings: BTreeMap::new(),
        classes: (0..outputs).map(|output| output.to_string()).collect(),
        encoding: Encoding::default(),
        target: None,
        dialect: None,
        target_scale: None,
        precision: wgrad::kernel::Precision::F32,
        trained_on: None,
        normalize,
        best: None,
        progress: None,
        fingerprint: None,
    };
    Model { path: PathBuf::from("the network in training"), metadata: Some(metadata), tensors }
}

/// Rows of a network's data set as a predictor takes them: bytes are not normalised yet, floats are.
pub fn inputs(trainer: &Trainer, rows: &[u32]) -> wgrad::data::Values {
    let data = &trainer.job().dataset;
    let of = |row: &u32| *row as usize * data.features()..(*row as usize + 1) * data.features();
    match &data.values {
        wgrad::data::Values::Bytes(bytes) => {
            wgrad::data::Values::Bytes(rows.iter().flat_map(|row| bytes[of(row)].iter().copied()).collect())
        }
        wgrad::data::Values::Floats(floats) => {
            wgrad::data::Values::Floats(rows.iter().flat_map(|row| floats[of(row)].iter().copied()).collect())
        }
    }
}
