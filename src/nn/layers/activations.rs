//! The activations, those with weights and those over several features included.

use super::weights::rate;
use crate::graph::ValueId;
use crate::nn::init::Init;
use crate::nn::layer::{Builder, Layer, Start};
use crate::nn::notation::LayerText;
use crate::op::{Class, Op};
use crate::ops::activation::{Activation, Function};
use crate::ops::maxout::Maxout;
use crate::ops::prelu::Prelu;
use crate::shape::ShapeError;

type Read = Result<Box<dyn Layer>, String>;

/// What weights before a layer start with: He's variance makes up for the half that a rectifier cuts off.
const BEFORE_RECTIFIERS: Init = Init::He;

/// One operation on what comes before.
#[derive(Clone, Debug)]
struct Plain<T> {
    op: T,
    init_before: Init,
    sees_images: Option<bool>,
}

impl<T: Op + Clone + 'static> Layer for Plain<T> {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        b.push(self.op.clone(), &[x])
    }

    fn init_before(&self) -> Option<Init> {
        Some(self.init_before)
    }

    fn sees_images(&self) -> Option<bool> {
        self.sees_images
    }
}

/// A parameter as the kernels take it.
fn positive(text: &LayerText, name: &str, default: f64) -> Result<f64, String> {
    text.allow(1, &[])?;
    let value = text.value(0, name)?.unwrap_or(default);
    let narrow = value as f32;
    if !(narrow > 0.0 && narrow.is_normal()) {
        return Err(format!("{name} must be a 32-bit number of more than 0, not {value}"));
    }
    Ok(value)
}

/// A function of one element, as in `relu` or `leaky_relu 0.01`.
pub(super) fn of_function(function: &'static Function, text: &LayerText) -> Read {
    let parameter = match function.parameter {
        Some((name, default)) => positive(text, name, default)?,
        None => {
            text.allow(0, &[])?;
            0.0
        }
    };
    let init_before = if function.rectifies { BEFORE_RECTIFIERS } else { Init::Xavier };
    Ok(Box::new(Plain { op: Activation::new(function, parameter), init_before, sees_images: None }))
}

/// `maxout 2`: the value is the number of neighbouring features in a group.
pub(super) fn maxout(text: &LayerText) -> Read {
    text.allow(1, &[])?;
    let pieces = text.value(0, "the number of features in a group")?.unwrap_or(2);
    if pieces < 2 {
        return Err(format!("the number of features in a group must be at least 2, not {pieces}"));
    }
    // Neighbouring features of images are channels.
    Ok(Box::new(Plain { op: Maxout { pieces }, init_before: BEFORE_RECTIFIERS, sees_images: Some(true) }))
}

/// `prelu per_channel=false lr=0.1`
#[derive(Clone, Debug)]
struct LearnedSlope {
    per_channel: bool,
    rate: Option<f64>,
}

pub(super) fn prelu(text: &LayerText) -> Read {
    text.allow(0, &["per_channel", "lr"])?;
    Ok(Box::new(LearnedSlope { per_channel: text.key("per_channel", false)?, rate: rate(text)? }))
}

impl Layer for LearnedSlope {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let features = b.shape(x).features();
        let count = if self.per_channel { features } else { 1 };
        let alpha = b.tensor("weight", &[count], Class::Parameters, Start::Value(0.25), (self.rate, None));
        b.push(Prelu, &[x, alpha])
    }

    fn init_before(&self) -> Option<Init> {
        Some(BEFORE_RECTIFIERS)
    }

    fn sees_images(&self) -> Option<bool> {
        self.per_channel.then_some(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use crate::graph::Graph;
    use crate::kernel::Scalar;
    use crate::nn::{Built, Head, Network, Start, Usage};
    use crate::nn::{Init, faults};
    use crate::op::Class;
    use crate::shape::ShapeError;

    fn network(layers: &[&str]) -> Network {
        Network::read(&layers.iter().map(ToString::to_string).collect::<Vec<_>>(), Head::classes(3), None).unwrap()
    }

    fn build(layers: &[&str]) -> Result<Built, ShapeError> {
        let mut graph = Graph::default();
        let x = graph.value("x", [4, 5], Scalar::F32, Class::Data);
        network(layers).build(&mut graph, x, Usage::Inference)
    }

    #[test]
    fn texts_print_back_exactly_and_have_defaults() {
        let texts = [
            "relu",
            "leaky_relu",
            "leaky_relu 1e-02",
            "prelu",
            "prelu per_channel=true",
            "prelu per_channel=false",
            "sigmoid",
            "tanh",
            "elu",
            "elu 1.0",
            "gelu",
            "silu",
            "maxout",
            "maxout 2",
        ];
        for text in texts {
            assert_eq!(network(&[text, "linear 3"]).texts(), [text, "linear 3"]);
        }
    }

    #[test]
    fn weights_before_each_start_as_it_wants() {
        let xavier = ["sigmoid", "tanh"];
        for text in ["relu", "leaky_relu", "prelu", "sigmoid", "tanh", "elu", "gelu", "silu", "maxout"] {
            let built = build(&["linear 8", "dropout", text, "linear"]).unwrap();
            let expected = if xavier.contains(&text) { Init::Xavier } else { Init::He };
            assert_eq!(built.tensors[0].start, Start::Weights(expected), "{text}");
        }
    }

    #[test]
    fn shapes_and_weights_are_those_of_the_notation() {
        let built = build(&["linear 12", "maxout 3", "prelu", "prelu per_channel=true", "linear"]).unwrap();
        assert_eq!(built.shapes.iter().map(|s| s.width()).collect::<Vec<_>>(), [12, 4, 4, 4, 3]);
        let slopes: Vec<_> = built.tensors.iter().filter(|t| t.start == Start::Value(0.25)).collect();
        assert_eq!(slopes.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["2.weight", "3.weight"]);
        assert_eq!([&slopes[0].shape.0[..], &slopes[1].shape.0[..]], [&[1][..], &[4][..]]);
        assert!(slopes.iter().all(|t| t.class == Class::Parameters));
        let error = build(&["linear 64", "maxout 3", "linear"]).unwrap_err().to_string();
        assert!(error.contains("layer 1.maxout: maxout 3 on 64 features: 64 is not a multiple of 3"), "{error}");
        assert!(error.contains("63 or 66"), "{error}");
        let error = build(&["maxout 18446744073709551615", "linear"]).unwrap_err().to_string();
        assert!(error.contains("5 is not a multiple of 1844"), "{error}");
    }

    #[test]
    fn parameters_that_no_kernel_can_take_are_refused() {
        for (text, what) in [
            ("leaky_relu 0", "the slope must be a 32-bit number of more than 0"),
            ("leaky_relu -0.1", "more than 0"),
            ("leaky_relu 1e-60", "32-bit"),
            ("leaky_relu nan", "32-bit"),
            ("elu 1e39", "alpha must be a 32-bit number"),
            ("elu inf", "32-bit"),
            ("elu x", "alpha must be a number"),
            ("elu 1 2", "\"2\" is one more"),
            ("maxout 1", "at least 2, not 1"),
            ("maxout 2.5", "whole number"),
            ("prelu 0.3", "\"0.3\" is one more"),
            ("prelu per_channel=1", "true or false"),
            ("tanh 1", "\"1\" is one more"),
            ("gelu approximate=tanh", "takes no keys"),
        ] {
            let error = faults(&[text.to_owned()]).remove(0).to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
