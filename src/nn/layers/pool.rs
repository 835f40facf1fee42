//! Layers that make images smaller, or rows of them.

use super::conv::size;
use crate::graph::ValueId;
use crate::nn::layer::{Builder, Layer};
use crate::nn::notation::LayerText;
use crate::op::Op;
use crate::op::window::Window;
use crate::ops::avg_pool::AvgPool;
use crate::ops::flatten::Flatten;
use crate::ops::global_avg_pool::GlobalAvgPool;
use crate::ops::max_pool::MaxPool;
use crate::shape::ShapeError;

type Read = Result<Box<dyn Layer>, String>;

/// One operation on images.
#[derive(Clone, Debug)]
struct OnImages<T>(T);

impl<T: Op + Clone + 'static> Layer for OnImages<T> {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        b.push(self.0.clone(), &[x])
    }

    fn sees_images(&self) -> Option<bool> {
        Some(true)
    }
}

/// `max_pool 2 stride=2 padding=0 ceil_mode=false`: the value is the kernel, and the stride's default.
fn window(text: &LayerText) -> Result<Window, String> {
    text.allow(1, &["stride", "padding", "ceil_mode"])?;
    let kernel = text.value::<usize>(0, "the kernel")?.unwrap_or(2);
    if !(1..=1 << 16).contains(&kernel) {
        return Err(format!("the kernel must be from 1 to 65536, not {kernel}"));
    }
    let (stride, padding) = (size(text, "stride", kernel, 1)?, size(text, "padding", 0, 0)?);
    if padding > kernel / 2 {
        return Err(format!("padding must be at most half the kernel, {}, not {padding}", kernel / 2));
    }
    Ok(Window { kernel, stride, padding, dilation: 1, ceil: text.key("ceil_mode", false)? })
}

/// `max_pool 2`
pub(super) fn max_pool(text: &LayerText) -> Read {
    Ok(Box::new(OnImages(MaxPool { window: window(text)? })))
}

/// `avg_pool 2`
pub(super) fn avg_pool(text: &LayerText) -> Read {
    Ok(Box::new(OnImages(AvgPool { window: window(text)? })))
}

/// `global_avg_pool`: `[n, c, h, w] -> [n, c]`.
pub(super) fn global_avg_pool(text: &LayerText) -> Read {
    text.allow(0, &[])?;
    Ok(Box::new(OnImages(GlobalAvgPool)))
}

/// `flatten`: `[n, c, h, w] -> [n, c · h · w]`; rows stay as they are.
#[derive(Clone, Debug)]
struct ToRows;

impl Layer for ToRows {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        if b.shape(x).is_of_images() { b.push(Flatten, &[x]) } else { Ok(x) }
    }

    fn sees_images(&self) -> Option<bool> {
        Some(false)
    }
}

pub(super) fn flatten(text: &LayerText) -> Read {
    text.allow(0, &[])?;
    Ok(Box::new(ToRows))
}
