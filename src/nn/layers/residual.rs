//! The residual block.

use crate::graph::ValueId;
use crate::nn::layer::{Averages, Builder, Layer, Place};
use crate::nn::notation::{LayerText, inside};
use crate::nn::sequence::{Read, Sequence};
use crate::ops::add::Add;
use crate::shape::ShapeError;

/// `residual(linear 64; batch_norm; relu; linear 64)`: f(x) + x, where f is the layers inside (He et al. 2016, eq. 1). Its
/// tensors are named as in `4.body.0.weight`.
#[derive(Debug)]
pub(super) struct Residual {
    body: Sequence,
}

impl Residual {
    /// Reads the block; `read` reads a layer inside.
    pub(super) fn read(text: &LayerText, read: Read) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &[])?;
        let wrong = |(index, what): (usize, String)| inside(index, &text.body[index].to_string(), what);
        Ok(Box::new(Self { body: Sequence::read(text.body.iter().cloned().map(Ok), read).map_err(wrong)? }))
    }
}

fn prefix(place: &Place) -> String {
    place.tensor("body.")
}

impl Layer for Residual {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let prefix = prefix(b.place());
        let y = self.body.build(usize::MAX, &prefix, b, x)?.pop().unwrap_or(x);
        let [wanted, given] = [x, y].map(|value| b.shape(value).width());
        if b.shape(x) != b.shape(y) {
            let what = format!(
                "its layers give {given} values a row and take {wanted}, but the two are added: let the last of them give {wanted}"
            );
            return Err(ShapeError::new(what).at(&b.place().path));
        }
        b.push(Add { whole: false }, &[x, y])
    }

    fn is_weighted(&self) -> bool {
        self.body.is_weighted()
    }

    fn averages(&self, place: &Place) -> Vec<(Place, Averages)> {
        self.body.averages(&prefix(place))
    }

    fn drops(&self) -> bool {
        self.body.drops()
    }
}
