//! How a run augments the pictures that it trains on.

use super::job::Job;
use crate::data::augment::{Augment, Crop, Drawn, Draws, Edge, Scale};
use crate::data::{Dataset, Framing, Place, Pool, Targets, Values};
use crate::error::Error;
use crate::ops;
use crate::ops::gather::TargetKind;
use crate::run::AugmentShape;
use crate::shape::channels_first;

impl Job {
    /// What is drawn for the pictures of training, if anything is. Kept features are those of the part that evaluation sees, so
    /// that no place is drawn for them.
    ///
    /// # Errors
    /// The data are no pictures, or a crop does not fit them.
    pub(super) fn draws(&self) -> Result<Option<Draws>, Error> {
        let s = &self.settings;
        let (flip, crop, brightness, contrast) = (s.flip, s.crop, s.brightness, s.contrast);
        let augment = Augment {
            flip,
            crop,
            scale: s.scale.or_else(|| self.pool().and(self.shorter_side())),
            brightness,
            contrast,
        };
        if augment.is_none() {
            return Ok(None);
        }
        let [_, height, width] = self.input_shape()?[..] else { return Err(no_pictures(&self.dataset)) };
        if !matches!(self.dataset.values, Values::Bytes(_)) {
            return Err(no_pictures(&self.dataset));
        }
        let draws = Draws { augment, out: [height, width], seed: s.seed };
        if let Some(crop) = crop {
            self.check_crop(crop, [height, width])?;
        }
        Ok(if s.cache_features && augment.only_moves() { None } else { Some(draws) })
    }

    /// Refuses a crop that is not that of the network's input, or mirrors more of a picture than there is.
    fn check_crop(&self, crop: Crop, [height, width]: [usize; 2]) -> Result<(), Error> {
        let name = &self.dataset.name;
        let what = if [crop.height, crop.width] != [height, width] {
            format!("crop is {crop}, but the network's input has {height}x{width} pixels")
        } else if crop.edge == Edge::Reflect
            && let Some(place) =
                self.train_places().find(|place| crop.padding >= place.height.min(place.width) as usize)
        {
            format!(
                "crop mirrors {} pixels at each edge, but a picture of {name} has {}x{}: the padding must be smaller",
                crop.padding, place.height, place.width
            )
        } else {
            return Ok(());
        };
        Err(Error::Setting(what))
    }

    /// The pictures that boxes are cut from, if those are not the rows themselves. Where no part is drawn, they are.
    pub(super) fn pool(&self) -> Option<&Pool> {
        let cuts = self.settings.crop.is_some() || self.settings.scale.is_some();
        self.dataset.pool.as_ref().filter(|_| cuts)
    }

    /// The shorter side that pictures are brought to before they are cut, where the recipe names none.
    fn shorter_side(&self) -> Option<Scale> {
        match self.dataset.framing {
            Framing::Middle { short } => Some(Scale { low: short, high: short }),
            _ => None,
        }
    }

    /// Where the picture of a row lies.
    fn place(&self, row: u32) -> Place {
        match self.pool() {
            Some(pool) => pool.places[row as usize],
            None => {
                let features = self.dataset.features();
                let [height, width] = match self.input_shape().as_deref() {
                    Ok(&[_, height, width]) => [height as u32, width as u32],
                    _ => [0, 0],
                };
                Place { offset: row as usize * features, height, width }
            }
        }
    }

    fn train_places(&self) -> impl Iterator<Item = Place> {
        self.split.train.iter().map(|&row| self.place(row))
    }

    /// What the plan must know of augmentation.
    ///
    /// # Errors
    /// As [`Job::draws`].
    pub(super) fn augment_shape(&self) -> Result<Option<AugmentShape>, Error> {
        let Some(draws) = self.draws()? else { return Ok(None) };
        let places: Vec<Place> = self.train_places().collect();
        Ok(Some(AugmentShape {
            pool: self.pool().map(|pool| pool.bytes.len()),
            reflect: draws.augment.crop.is_some_and(|crop| crop.edge == Edge::Reflect),
            taps: draws.taps(&places),
            contrast: draws.augment.contrast > 0.0,
            largest: self.dataset.largest,
        }))
    }

    /// A picture as training sees it in an epoch, before it is normalised: `[channels, height, width]`. It is the row itself
    /// where nothing is drawn.
    ///
    /// # Errors
    /// As [`Trainer::new`](super::Trainer::new) refuses the recipe; or the rows are no pictures of bytes.
    pub fn augmented(&self, row: u32, epoch: u64) -> Result<Vec<u8>, Error> {
        let (picture, Values::Bytes(bytes)) = (self.input_shape()?, &self.dataset.values) else {
            return Err(no_pictures(&self.dataset));
        };
        let &[channels, height, width] = &picture[..] else { return Err(no_pictures(&self.dataset)) };
        let features = channels * height * width;
        let (Some(shape), Some(boxes)) = (self.augment_shape()?, self.boxes(&[row], epoch)?) else {
            return Ok(bytes[row as usize * features..][..features].to_vec());
        };
        let row = if self.pool().is_some() { vec![height, width, channels] } else { vec![features] };
        let AugmentShape { reflect, taps, contrast, largest, .. } = shape;
        let (batch, target, picture) = (1, TargetKind::Class, [channels, height, width]);
        let augment = ops::augment::Augment { batch, row, picture, target, reflect, taps, contrast, largest };
        let data = self.pool().map_or(bytes, |pool| &pool.bytes);
        let drawn = augment.rendered(data, bytemuck::cast_slice(&boxes));
        Ok(if self.pool().is_some() { channels_first(&drawn, height * width, channels) } else { drawn })
    }

    /// The boxes of an epoch, in the order of its rows.
    ///
    /// # Errors
    /// As [`Job::draws`].
    pub(super) fn boxes(&self, order: &[u32], epoch: u64) -> Result<Option<Vec<Drawn>>, Error> {
        let Some(draws) = self.draws()? else { return Ok(None) };
        Ok(Some(order.iter().map(|&row| draws.draw(self.place(row), row, epoch as u32)).collect()))
    }
}

fn no_pictures(dataset: &Dataset) -> Error {
    let what = match dataset.targets {
        Targets::Classes { .. } if dataset.is_image() => "its pictures are no bytes",
        _ => "its rows are no pictures",
    };
    Error::Setting(format!(
        "{}: {what}, so flip, crop, scale, brightness and contrast do not apply: leave them out",
        dataset.name
    ))
}
