//! Transfer: what a run takes over of the model that it starts from, beside the weights.

use super::job::Job;
use super::settings::Recipe;
use crate::data::augment::{Crop, Edge, Scale};
use crate::data::{Affine, Framing, Normalize, Values};
use crate::error::Error;
use crate::export::{Metadata, Model, ModelError};
use crate::nn::{LayerText, Network};

impl Recipe {
    /// Takes the layers of a model to start from, where the recipe has none of its own. The last layer with weights leaves its
    /// number of outputs to the data, so that a file with another number is refused by the name of that layer; a single output
    /// stays where `new_head` is not set, as it decides the loss. Says so in a sentence.
    pub fn start_from(&mut self, model: &Model) -> Option<String> {
        let meta = model.metadata.as_ref()?;
        self.see_as(meta);
        if self.layers.is_some() || self.hidden.is_some() || self.dropout.is_some() {
            return None;
        }
        let mut layers = meta.layers.clone();
        open_head(&mut layers, meta, self.new_head == Some(true));
        self.layers = Some(layers);
        Some(format!("the layers are those of {}", model.path.display()))
    }

    /// Lets pictures of any sizes come to the size of a model's input as its own did, where the recipe does not say how.
    fn see_as(&mut self, meta: &Metadata) {
        let (Framing::Middle { short }, &[_, height, width]) = (meta.framing, &meta.input[..]) else { return };
        if self.crop.is_some() || self.scale.is_some() {
            return;
        }
        self.scale = Some(Scale { low: short, high: short });
        // Without a crop, the middle is as high and as wide as the shorter side.
        if [height, width] != [short; 2] {
            self.crop = Some(Crop { height, width, padding: 0, edge: Edge::Zero });
        }
    }
}

/// Lets the last layer with weights leave its number of outputs out, if it is a linear one and the number is not 1 or may change.
fn open_head(layers: &mut [String], meta: &Metadata, is_new: bool) {
    let network = Network::read(layers, meta.problem().head(), None).ok();
    let place = network.and_then(|network| network.last_weighted());
    let index = place.and_then(|place| place.trim_end_matches('.').parse::<usize>().ok());
    if let Some(layer) = index.and_then(|index| layers.get_mut(index))
        && let Ok(mut text) = layer.parse::<LayerText>()
        && text.kind == "linear"
        && (is_new || text.values != ["1"])
    {
        text.values.clear();
        *layer = text.to_string();
    }
}

/// Frozen layers must see inputs as in their own training: gives the job the normalisation of the model that it starts from, or
/// goes on with. Says so, or that the two differ.
///
/// # Errors
/// The model's normalisation is of other inputs.
pub(super) fn keep_normalization(job: &mut Job) -> Result<Option<String>, Error> {
    let Some(model) = job.resume.as_ref().or(job.init_from.as_ref()) else { return Ok(None) };
    let Some(meta) = &model.metadata else { return Ok(None) };
    let path = model.path.display().to_string();
    let (features, ours) = (job.dataset.features(), &job.normalize.1);
    // The floats of tables are normalised already, by the training rows of this run.
    let (in_bytes, freezes) = (matches!(job.dataset.values, Values::Bytes(_)), job.settings.freeze.is_some());
    if meta.input.iter().product::<usize>() != features || !(in_bytes || freezes) {
        return Ok(None);
    }
    let theirs: Affine = meta.normalize.affine(features);
    if theirs == *ours {
        return Ok(None);
    }
    if !(in_bytes && freezes) {
        let differs = job.resume.is_none();
        return Ok(differs.then(|| format!("inputs are normalised otherwise than in the training of {path}")));
    }
    if meta.normalize.largest != job.dataset.largest {
        let what = format!(
            "it was trained on values up to {}, and those of {} go up to {}: frozen layers need the same",
            meta.normalize.largest, job.dataset.name, job.dataset.largest
        );
        return Err(ModelError::Mismatch { path: model.path.clone(), what }.into());
    }
    let kind: Normalize = meta.normalize.kind.parse().unwrap_or(job.normalize.0);
    job.normalize = (kind, theirs);
    Ok(Some(format!("inputs are normalised as in the training of {path}, since layers of it are frozen")))
}
