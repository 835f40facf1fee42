//! A first program: trains on the handwritten digits in the library, tests, saves the model and predicts with it.

use wgrad::{Device, DeviceChoice, Error, Model, Prediction, Predictor, Recipe, Trainer};

fn main() -> Result<(), Error> {
    // The best GPU, or the CPU where there is none.
    let device = Device::open(&DeviceChoice::Auto)?;
    let layers = ["linear 64", "relu", "dropout 0.2", "linear"].map(String::from).to_vec();
    let recipe = Recipe { layers: Some(layers), epochs: Some(10), ..Recipe::default() };

    let mut trainer = Trainer::open(&recipe, &device)?;
    trainer.fit(&mut ())?;
    if let Some(accuracy) = trainer.test()?.and_then(|test| test.accuracy()) {
        println!("test accuracy {:.1} %", 100.0 * accuracy);
    }

    let path = std::env::temp_dir().join("digits.safetensors");
    trainer.model()?.save(&path)?;
    let mut predictor = Predictor::new(&Model::read(&path)?, &device)?;
    // A picture of 8 x 8 pixels from 0 to 16: a bar, so a one.
    let bar: Vec<f32> = (0..64).map(|at| if (3..5).contains(&(at % 8)) { 16.0 } else { 0.0 }).collect();
    for prediction in predictor.predict(&bar)? {
        if let Prediction::Class { name, probabilities, .. } = prediction {
            println!("a {name}, with probabilities {probabilities:.2?}");
        }
    }
    Ok(())
}
