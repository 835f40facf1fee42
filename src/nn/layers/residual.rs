//! The residual block.

use super::batch_norm::Normalization;
use super::conv::Convolution;
use crate::graph::ValueId;
use crate::names::{nearest, quoted};
use crate::nn::layer::{Builder, Layer, Place};
use crate::nn::notation::{LayerText, inside};
use crate::nn::sequence::{Read, Sequence};
use crate::op::window::Window;
use crate::ops::add::Add;
use crate::ops::shortcut::Shortcut;
use crate::shape::{Shape, ShapeError};

/// How a shortcut makes images of the shape that the layers inside give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A convolution of single pixels with the stride, then batch norm (option B of He et al. 2016, section 3.3).
    Conv,
    /// Every stride-th pixel, with channels of 0 behind (option A).
    Pad,
}

/// `residual(linear 64; batch_norm; relu; linear 64)`: f(x) + shortcut(x), where f is the layers inside (He et al. 2016, eq. 1
/// and 2). The shortcut is x where the shapes agree; of images also `shortcut=conv` or `shortcut=pad`. Tensors are named as in
/// `4.body.0.weight` and `4.shortcut.0.weight`.
#[derive(Debug)]
pub(super) struct Residual {
    body: Sequence,
    shortcut: Option<Way>,
}

impl Residual {
    /// Reads the block; `read` reads a layer inside.
    pub(super) fn read(text: &LayerText, read: Read) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &["shortcut"])?;
        let shortcut = match text.keys.first().map(|(_, value)| value.as_str()) {
            None => None,
            Some("conv") => Some(Way::Conv),
            Some("pad") => Some(Way::Pad),
            Some(other) => {
                return Err(format!("shortcut cannot be {}; {}", quoted(other), nearest(other, &["conv", "pad"])));
            }
        };
        let wrong = |(index, what): (usize, String)| inside(index, &text.body[index].to_string(), what);
        let body = Sequence::read(text.body.iter().cloned().map(Ok), read).map_err(wrong)?;
        Ok(Box::new(Self { body, shortcut }))
    }

    /// The shortcut of x `[batch, height, width, channels]` to the shape `given`.
    fn shortcut(&self, b: &mut Builder<'_>, x: ValueId, given: &Shape) -> Result<ValueId, ShapeError> {
        let taken = b.shape(x).clone();
        let Some(stride) = stride(&taken, given) else { return Err(misfit(&taken, given).at(&b.place().path)) };
        let channels = given.features();
        if self.shortcut == Some(Way::Pad) {
            return b.push_part("shortcut", Shortcut { stride, channels }, &[x]);
        }
        let (prefix, init) = (b.place().tensor("shortcut."), b.init());
        let place = |index: usize, kind: &str| Place {
            index: format!("{prefix}{index}"),
            path: format!("{prefix}{index}.{kind}"),
        };
        let window = Window { kernel: 1, stride, padding: 0, dilation: 1, ceil: false };
        let y = Convolution::plain(channels, window).build(&mut b.at(place(0, "conv"), init), x)?;
        Normalization::PLAIN.build(&mut b.at(place(1, "batch_norm"), init), y)
    }
}

/// The stride by which windows of one pixel make images of the size of others, if there is one.
fn stride(taken: &Shape, given: &Shape) -> Option<usize> {
    let ([_, h, w, _], [_, to_h, to_w, _]) = (&taken.0[..], &given.0[..]) else { return None };
    let stride = h.div_ceil(*to_h);
    (h.div_ceil(stride) == *to_h && w.div_ceil(stride) == *to_w).then_some(stride)
}

fn misfit(taken: &Shape, given: &Shape) -> ShapeError {
    let row = |shape: &Shape| Shape(shape.in_files().0[1..].to_vec());
    ShapeError::new(match taken.0[1..] {
        [wanted] if given.0.len() == 2 => format!(
            "its layers give {} values a row and take {wanted}, but the two are added: let the last of them give {wanted}",
            given.width()
        ),
        _ => format!(
            "its layers give {} of {}, but the two are added and no stride makes one of the other: let its layers keep the \
             size of images, or divide it by a whole number",
            row(given),
            row(taken)
        ),
    })
}

impl Layer for Residual {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let prefix = b.place().tensor("body.");
        let y = self.body.build(0..usize::MAX, &prefix, b, x)?.pop().unwrap_or(x);
        let given = b.shape(y).clone();
        let beside = if *b.shape(x) == given { x } else { self.shortcut(b, x, &given)? };
        b.push(Add { whole: false }, &[y, beside])
    }

    fn is_weighted(&self) -> bool {
        self.body.is_weighted()
    }

    fn sees_images(&self) -> Option<bool> {
        self.body.sees_images()
    }

    fn drops(&self) -> bool {
        self.body.drops()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use crate::graph::Graph;
    use crate::kernel::Scalar;
    use crate::nn::{Averages, Built, Head, Init, Network, Start, Usage, faults};
    use crate::op::Class;
    use crate::shape::ShapeError;
    use std::collections::BTreeSet;

    fn network(layers: &[&str], init: Option<Init>) -> Network {
        Network::read(&layers.iter().map(ToString::to_string).collect::<Vec<_>>(), Head::classes(3), init).unwrap()
    }

    fn built(network: &Network) -> Result<(Graph, Built), ShapeError> {
        let mut graph = Graph::default();
        let x = graph.value("x", [4, 6], Scalar::F32, Class::Data);
        let built = network.build(&mut graph, x, Usage::Training { seed: 1 })?;
        Ok((graph, built))
    }

    #[test]
    fn tensors_have_the_names_of_pytorch_and_texts_print_back() {
        let text = "residual(linear 6; batch_norm statistics=population; residual(linear 6 bias=false); prelu)";
        let network = network(&["relu", text, "linear"], None);
        assert_eq!(network.texts(), ["relu", text, "linear 3"]);
        let (graph, built) = built(&network).unwrap();
        let names: Vec<&str> = built.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        let norm = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("1.body.1.{part}"));
        let wanted = ["1.body.0.weight", "1.body.0.bias"].into_iter().chain(norm.iter().map(String::as_str));
        let wanted = wanted.chain(["1.body.2.body.0.weight", "1.body.3.weight", "2.weight", "2.bias"]);
        assert_eq!(names, wanted.collect::<Vec<_>>());
        assert_eq!(built.counters.len(), 1);
        assert_eq!(built.counters[0].name, "1.body.1.num_batches_tracked");
        let [(place, averages)] = &built.averages[..] else { panic!("one batch norm") };
        assert_eq!((place.path.as_str(), *averages), ("1.body.1.batch_norm", Averages::Population));
        assert!(built.needs_two_rows && !network.drops());
        assert_eq!(built.shapes.iter().map(|shape| shape.width()).collect::<Vec<_>>(), [6, 6, 3]);
        assert_eq!(graph.nodes.iter().filter(|node| node.op.name() == "add").count(), 2);
    }

    /// Each weight by what follows it inside, and all by what the run says.
    #[test]
    fn weights_start_by_what_follows_inside() {
        let layers =
            ["linear 6", "residual(linear 8; batch_norm; relu; linear 7; tanh; linear 6 init=small)", "relu", "linear"];
        let starts = |init| -> Vec<Init> {
            let tensors = built(&network(&layers, init)).unwrap().1.tensors.into_iter();
            tensors.filter_map(|t| if let Start::Weights(init) = t.start { Some(init) } else { None }).collect()
        };
        assert_eq!(starts(None), [Init::Xavier, Init::He, Init::Xavier, Init::Small, Init::Xavier]);
        assert_eq!(starts(Some(Init::Glorot)), [Init::Glorot, Init::Glorot, Init::Glorot, Init::Small, Init::Glorot]);
    }

    /// Every dropout draws numbers of its own, and those outside of blocks before any go by their index.
    #[test]
    fn no_two_dropouts_draw_the_same_numbers() {
        let layers = ["dropout", "dropout", "residual(dropout; residual(dropout); dropout)", "dropout", "linear"];
        let network = network(&layers, None);
        assert!(network.drops());
        let (graph, _) = built(&network).unwrap();
        let dropouts = graph.nodes.iter().filter(|node| node.op.name() == "dropout");
        let numbers: Vec<String> = dropouts.map(|node| format!("{:?}", node.op)).collect();
        assert_eq!((numbers.len(), numbers.iter().collect::<BTreeSet<_>>().len()), (6, 6), "{numbers:?}");
        assert!(numbers[1].contains("layer: 1,"), "{numbers:?}");
    }

    #[test]
    fn what_cannot_be_added_or_read_is_told_with_its_place() {
        let told = |text: &str| built(&network(&["linear 8", text, "linear"], None)).unwrap_err().to_string();
        assert_eq!(
            told("residual(linear 8; relu; linear 5)"),
            "layer 1.residual: its layers give 5 values a row and take 8, but the two are added: let the last of them give 8"
        );
        assert!(
            told("residual(residual(maxout 2); linear 8)").starts_with("layer 1.body.0.residual: its layers give 4")
        );
        assert!(told("residual(maxout 3; linear 8)").starts_with("layer 1.body.0.maxout: maxout 3 on 8 features"));
        assert!(told("residual(linear)").contains("layer 1.body.0.linear: only the last linear may leave"));
        let mut graph = Graph::default();
        let x = graph.value("x", [4, 2, 3, 1], Scalar::F32, Class::Data);
        let network = network(&["residual(linear 6)", "linear"], None);
        let error = network.build(&mut graph, x, Usage::Inference).unwrap_err().to_string();
        assert!(error.contains("layer 0.residual") && error.contains("give [6] of [1, 2, 3]"), "{error}");
        for (text, what) in [
            (
                "residual(linear 8; rleu)",
                "layer 0 (\"residual(linear 8; rleu)\"): body.1 (\"rleu\"): there is no layer \"rleu\"",
            ),
            (
                "residual(relu; residual(elu x))",
                "body.1 (\"residual(elu x)\"): body.0 (\"elu x\"): alpha must be a number",
            ),
            ("residual(relu) 3", "residual takes 0 values, \"3\" is one more"),
            ("residual(relu) shortcut=covn", "shortcut cannot be \"covn\"; did you mean conv?"),
            ("residual(relu) stride=2", "residual has no key stride"),
            ("residual(softmax)", "body.0 (\"softmax\"): cross_entropy has the softmax in it"),
        ] {
            let error = faults(&[text.to_owned()])[0].to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
