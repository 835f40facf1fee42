//! The convolution.

use super::weights::Weights;
use crate::graph::ValueId;
use crate::nn::layer::{Builder, Layer};
use crate::nn::notation::LayerText;
use crate::op::window::{Window, not_images};
use crate::ops::conv::Conv;
use crate::shape::ShapeError;

/// `conv 32 kernel=3 stride=1 padding=0 dilation=1 bias=true`; `init=he lr=0.1 max_norm=3` for its own settings.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    outputs: usize,
    window: Window,
    bias: bool,
    weights: Weights,
}

/// A whole number of at least `least`, or its default.
pub(super) fn size(text: &LayerText, key: &str, default: usize, least: usize) -> Result<usize, String> {
    let size: usize = text.key(key, default)?;
    // Sums of a few sizes are numbered with 32 bits.
    if size < least || size > 1 << 16 {
        return Err(format!("{key} must be from {least} to 65536, not {size}"));
    }
    Ok(size)
}

impl Convolution {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        if text.keys.iter().any(|(key, _)| key == "groups") {
            return Err("groups is not known: convolutions in groups and depthwise ones do not exist yet".into());
        }
        let [init, lr, max_norm] = Weights::KEYS;
        text.allow(1, &["kernel", "stride", "padding", "dilation", "bias", init, lr, max_norm])?;
        let outputs = text.value::<usize>(0, "the number of channels")?;
        let outputs = outputs.ok_or("the number of channels that it gives is missing, as in conv 32 kernel=3")?;
        if outputs == 0 {
            return Err("the number of channels must be at least 1".into());
        }
        if !text.keys.iter().any(|(key, _)| key == "kernel") {
            return Err(format!("kernel is missing, as in conv {outputs} kernel=3"));
        }
        let window = Window {
            kernel: size(text, "kernel", 1, 1)?,
            stride: size(text, "stride", 1, 1)?,
            padding: size(text, "padding", 0, 0)?,
            dilation: size(text, "dilation", 1, 1)?,
            ceil: false,
        };
        Ok(Box::new(Self { outputs, window, bias: text.key("bias", true)?, weights: Weights::read(text)? }))
    }

    /// A convolution without bias, as shortcuts have it.
    pub(super) fn plain(outputs: usize, window: Window) -> Self {
        Self { outputs, window, bias: false, weights: Weights::default() }
    }
}

impl Layer for Convolution {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let shape = b.shape(x).clone();
        if !shape.is_of_images() {
            return Err(not_images("conv", &shape).at(&b.place().path));
        }
        let kernel = self.window.kernel;
        let mut wires = vec![x, self.weights.weight(b, &[self.outputs, kernel, kernel, shape.features()])];
        if self.bias {
            wires.push(self.weights.bias(b, self.outputs));
        }
        b.push(Conv { window: self.window }, &wires)
    }

    fn is_weighted(&self) -> bool {
        true
    }

    fn sees_images(&self) -> Option<bool> {
        Some(true)
    }
}
