//! The residual block.

use crate::graph::ValueId;
use crate::nn::layer::{Averages, Builder, Layer, Place};
use crate::nn::notation::{LayerText, inside};
use crate::nn::sequence::{Read, Sequence};
use crate::ops::add::Add;
use crate::shape::{Shape, ShapeError};

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
        let [taken, given] = [x, y].map(|value| b.shape(value).clone());
        if taken != given {
            let (sizes, given) = (&taken.0[1..], given.width());
            let what = match sizes {
                [wanted] => format!(
                    "its layers give {given} values a row and take {wanted}, but the two are added: let the last of them \
                     give {wanted}"
                ),
                _ => format!(
                    "its layers give {given} values a row and take pictures of {}, but the two are added: let a linear \
                     stand before it",
                    Shape(sizes.to_vec())
                ),
            };
            return Err(ShapeError::new(what).at(&b.place().path));
        }
        b.push(Add { whole: false }, &[y, x])
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
        assert_eq!(built.counters, ["1.body.1.num_batches_tracked"]);
        assert_eq!(built.shapes.iter().map(|shape| shape.width()).collect::<Vec<_>>(), [6, 6, 3]);
        assert_eq!(graph.nodes.iter().filter(|node| node.op.name() == "add").count(), 2);
        let [(place, averages)] = &network.averages()[..] else { panic!("one batch norm") };
        assert_eq!((place.path.as_str(), *averages), ("1.body.1.batch_norm", Averages::Population));
        assert!(network.needs_two_rows() && !network.drops());
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
        let x = graph.value("x", [4, 1, 2, 3], Scalar::F32, Class::Data);
        let network = network(&["residual(linear 6)", "linear"], None);
        let error = network.build(&mut graph, x, Usage::Inference).unwrap_err().to_string();
        assert!(error.contains("layer 0.residual") && error.contains("pictures of [1, 2, 3]"), "{error}");
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
            ("residual(relu) shortcut=conv", "residual takes no keys, so not shortcut"),
            ("residual(softmax)", "body.0 (\"softmax\"): cross_entropy has the softmax in it"),
        ] {
            let error = faults(&[text.to_owned()])[0].to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
