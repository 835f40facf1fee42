//! Networks that have a name, and the layers that it stands for.

/// The names, each with what it is.
pub const NAMED: [(&str, &str); 5] = [
    (
        "lenet",
        "LeCun et al. 1998, \"Gradient-based learning applied to document recognition\", with tanh and linear layers at the end",
    ),
    ("small_cnn", "three convolutions with batch norm, for images of 32x32"),
    ("resnet8", "as resnet20, with one block in each stage"),
    ("resnet20", "He et al. 2016, \"Deep residual learning for image recognition\", section 4.2, for images of 32x32"),
    ("resnet18", "the same, table 1, as torchvision has it, for images of 224x224"),
];

/// The layers that a name stands for, if it is one.
pub(super) fn layers(name: &str) -> Option<Vec<String>> {
    let list = |text: &str| text.split(", ").map(str::to_owned).collect();
    match name {
        "lenet" => Some(list(
            "conv 6 kernel=5 padding=2, tanh, avg_pool 2, conv 16 kernel=5, tanh, avg_pool 2, flatten, linear 120, tanh, \
             linear 84, tanh, linear",
        )),
        "small_cnn" => Some(list(
            "conv 32 kernel=3 padding=1, batch_norm, relu, conv 32 kernel=3 padding=1, batch_norm, relu, max_pool 2, \
             conv 64 kernel=3 padding=1, batch_norm, relu, max_pool 2, flatten, linear",
        )),
        "resnet8" => Some(of_cifar(1)),
        "resnet20" => Some(of_cifar(3)),
        "resnet18" => {
            let stem =
                list("conv 64 kernel=7 stride=2 padding=3 bias=false, batch_norm, relu, max_pool 3 stride=2 padding=1");
            Some(residual(stem, &[64, 128, 256, 512], 2, ""))
        }
        _ => None,
    }
}

/// The networks for CIFAR: three stages of so many blocks. Their shortcuts have no weights.
fn of_cifar(blocks: usize) -> Vec<String> {
    let stem = ["conv 16 kernel=3 padding=1 bias=false", "batch_norm", "relu"].map(str::to_owned);
    residual(stem.into(), &[16, 32, 64], blocks, " shortcut=pad")
}

/// Stages of blocks behind a stem. Each stage but the first halves the images.
fn residual(mut layers: Vec<String>, widths: &[usize], blocks: usize, shortcut: &str) -> Vec<String> {
    for (stage, width) in widths.iter().enumerate() {
        for block in 0..blocks {
            let shrinks = stage > 0 && block == 0;
            let (stride, shortcut) = if shrinks { (" stride=2", shortcut) } else { ("", "") };
            let conv = |stride: &str| format!("conv {width} kernel=3{stride} padding=1 bias=false");
            let (first, second) = (conv(stride), conv(""));
            layers.push(format!("residual({first}; batch_norm; relu; {second}; batch_norm){shortcut}"));
            layers.push("relu".to_owned());
        }
    }
    layers.extend(["global_avg_pool", "linear"].map(str::to_owned));
    layers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::{Head, Network};
    use crate::op::Class;

    /// Parameters as published: He et al. say 0.27 million for 20 layers, torchvision 11,689,512 for `resnet18`.
    #[test]
    fn names_stand_for_the_published_networks() {
        let parameters = |name: &str, row: &[usize], classes: usize| {
            let network = Network::read(&[name.to_owned()], Head::classes(classes), None).unwrap();
            let built = network.outline(row).unwrap();
            let trained = built.tensors.iter().filter(|tensor| tensor.class == Class::Parameters);
            (trained.map(|tensor| tensor.shape.elements()).sum::<usize>(), built.tensors.len() + built.counters.len())
        };
        assert_eq!(parameters("lenet", &[1, 28, 28], 10).0, 61_706);
        assert_eq!(parameters("small_cnn", &[3, 32, 32], 10).0, 69_866);
        assert_eq!(parameters("resnet8", &[3, 32, 32], 10).0, 75_290);
        assert_eq!(parameters("resnet20", &[3, 32, 32], 10).0, 269_722);
        assert_eq!(parameters("resnet18", &[3, 224, 224], 1000), (11_689_512, 122));
    }

    #[test]
    fn a_name_prints_as_its_layers() {
        let network = Network::read(&["resnet8".to_owned()], Head::classes(10), None).unwrap();
        let texts = network.texts();
        assert_eq!(texts.len(), 11);
        let block = "residual(conv 32 kernel=3 stride=2 padding=1 bias=false; batch_norm; relu; conv 32 kernel=3 padding=1 \
                     bias=false; batch_norm) shortcut=pad";
        assert_eq!([&texts[5], &texts[10]], [block, "linear 10"]);
        let again = Network::read(&texts, Head::classes(10), None).unwrap();
        assert_eq!(again.texts(), texts);
        assert!(NAMED.iter().all(|(name, _)| layers(name).is_some()));
    }
}
