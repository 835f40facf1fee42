//! Transfer: frozen layers stay as they are to the byte, their features can be kept, and a new head starts alone.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use wgrad::nn::Freeze;
use wgrad::op::Value;
use wgrad::{Device, Model, Recipe, Trainer};

/// Layers 0 to 4 are the trunk.
const LAYERS: [&str; 8] = [
    "conv 8 kernel=3 padding=1",
    "batch_norm",
    "relu",
    "dropout 0.2",
    "max_pool 2",
    "flatten",
    "dropout 0.1",
    "linear",
];

fn recipe() -> Recipe {
    let layers = Some(LAYERS.map(str::to_owned).to_vec());
    let recipe = Recipe { layers, lr: Some(0.05), weight_decay: Some(1e-3), epochs: Some(2), ..Recipe::default() };
    recipe.with("momentum", Value::Number(0.9))
}

fn trained() -> Model {
    let mut trainer = Trainer::open(&recipe(), &Device::CPU).unwrap();
    trainer.fit(&mut ()).unwrap();
    trainer.model().unwrap()
}

/// A run that starts from a model.
fn from(model: &Model, recipe: &Recipe) -> Result<Trainer, wgrad::Error> {
    let (mut job, _) = wgrad::train::prepare(recipe, None)?;
    job.init_from = Some(model.clone());
    Trainer::new(job, &Device::CPU)
}

fn freeze(text: &str) -> Option<Freeze> {
    Some(text.parse().unwrap())
}

/// The tensors of some layers.
fn of(model: &Model, wanted: fn(&str) -> bool) -> BTreeMap<String, wgrad::export::Values> {
    model.tensors.iter().filter(|(name, _)| wanted(name)).map(|(name, values)| (name.clone(), values.clone())).collect()
}

fn of_trunk(name: &str) -> bool {
    name.starts_with("0.") || name.starts_with("1.")
}

#[test]
fn frozen_layers_keep_every_byte_and_cost_no_gradient() {
    let source = trained();
    let frozen = Recipe { freeze: freeze("0..5"), seed: Some(9), ..recipe() };
    let mut trainer = from(&source, &frozen).unwrap();
    let plan = &trainer.compiled().plan;
    let whole = Trainer::open(&recipe(), &Device::CPU).unwrap();
    let steps = |trainer: &Trainer| {
        let compiled = trainer.compiled();
        compiled.plan.programs[compiled.train.unwrap()].dispatches.len()
    };
    assert!(steps(&trainer) < steps(&whole), "{} of {}", steps(&trainer), steps(&whole));
    for name in ["d.0.weight", "d.1.bias", "velocity.0.weight"] {
        assert!(plan.slot(name).is_none() && whole.compiled().plan.slot(name).is_some(), "{name}");
    }
    trainer.fit(&mut ()).unwrap();
    let model = trainer.model().unwrap();
    assert_eq!(of(&source, of_trunk).len(), 7);
    assert_eq!(of(&model, of_trunk), of(&source, of_trunk));
    assert_ne!(model.tensors["7.weight"], source.tensors["7.weight"]);
}

#[test]
fn kept_features_train_the_same_head() {
    let source = trained();
    let frozen = Recipe { freeze: freeze("..5"), seed: Some(4), ..recipe() };
    let kept = Recipe { cache_features: Some(true), ..frozen.clone() };
    let [mut plain, mut kept] = [&frozen, &kept].map(|recipe| from(&source, recipe).unwrap());
    assert_eq!((plain.compiled().features, kept.compiled().features.is_some()), (None, true));
    let [first, second] = [&mut plain, &mut kept].map(|trainer| {
        trainer.fit(&mut ()).unwrap();
        (trainer.model().unwrap(), trainer.test().unwrap().unwrap().loss)
    });
    assert_eq!(first.0.tensors.keys().collect::<Vec<_>>(), second.0.tensors.keys().collect::<Vec<_>>());
    assert_eq!(of(&second.0, of_trunk), of(&source, of_trunk));
    // The same kernels on the same numbers, but for how they are joined: float32 rounding over 46 steps.
    assert!((first.1 - second.1).abs() < 1e-4 * first.1, "{} {}", first.1, second.1);
    // The file is the whole network's.
    let mut predictor = wgrad::Predictor::new(&second.0, &Device::CPU).unwrap();
    assert_eq!(predictor.predict(&[3.0; 64]).unwrap().len(), 1);
}

#[test]
fn a_new_head_starts_alone() {
    let mut source = trained();
    let other = Recipe { new_head: Some(true), epochs: None, steps: Some(1), ..recipe() };
    let mut trainer = from(&source, &other).unwrap();
    assert!(trainer.notes().iter().any(|note| note.contains("layer 7")), "{:?}", trainer.notes());
    let wgrad::export::Values::Floats(_, bias) = &source.tensors["7.bias"] else { panic!("floats") };
    assert_eq!((trainer.tensor("7.bias").unwrap(), bias.iter().any(|b| *b != 0.0)), (vec![0.0; 10], true));
    let wgrad::export::Values::Floats(_, weight) = &source.tensors["0.weight"] else { panic!("floats") };
    assert_eq!(trainer.tensor("0.weight").unwrap(), *weight);
    // A head of another size is refused, with what helps.
    source.tensors.insert("7.weight".into(), wgrad::export::Values::Floats(vec![3, 128], vec![0.0; 384]));
    let message = from(&source, &recipe()).unwrap_err().to_string();
    assert!(message.contains("7.weight") && message.contains("new_head"), "{message}");
    from(&source, &other).unwrap();
}

#[test]
fn what_cannot_be_frozen_or_kept_is_refused() {
    let told = |recipe: Recipe| Trainer::open(&recipe, &Device::CPU).unwrap_err().to_string();
    let frozen = |text| Recipe { freeze: freeze(text), ..recipe() };
    assert!(told(frozen("0..8")).contains("nothing to train"));
    assert!(told(frozen("0..9")).contains("goes beyond the layers"));
    assert!(told(frozen("batchnorm")).contains("batch_norm"));
    let kept = |recipe| Recipe { cache_features: Some(true), ..recipe };
    assert!(told(kept(recipe())).contains("cache_features"));
    assert!(told(kept(frozen("1"))).contains("first layer"));
    assert!(told(kept(frozen("0,1,6"))).contains("freeze the first layers alone"));
    let flipped = Recipe { flip: Some("0.5".parse().unwrap()), ..frozen("0..5") };
    assert!(told(kept(flipped)).contains("flip"));
}
