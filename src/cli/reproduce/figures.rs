//! The published figures, each with the recipe that runs it again.

/// A published figure on MNIST's test pictures.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// What is trained, in a few words.
    pub(super) what: &'static str,
    /// The published accuracy on the test part, in hundredths of a percent.
    pub(super) published: u32,
    pub(super) source: &'static str,
    /// What is other here than in the source.
    pub(super) differs: &'static str,
    /// The networks that vote; with one it answers alone.
    pub(super) voters: u64,
    /// The recipe in TOML.
    pub(super) recipe: &'static str,
    /// The recipe of the network to start from, in TOML: it learns the digits from 0 to 4, and `recipe` those from 5 to 9.
    pub(super) before: Option<&'static str>,
}

impl Figure {
    /// The published accuracy, a share from 0 to 1.
    pub(super) fn accuracy(&self) -> f64 {
        f64::from(self.published) / 1e4
    }
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("recipes/", $name, ".toml"))
    };
}

macro_rules! figure {
    ($name:literal, $recipe:literal, $published:literal, $voters:literal, $what:literal, $source:expr, $differs:expr) => {
        Figure {
            name: $name,
            what: $what,
            published: $published,
            source: $source,
            differs: $differs,
            voters: $voters,
            recipe: text!($recipe),
            before: None,
        }
    };
}

const CHAPTER_1: &str = "Nielsen, Neural Networks and Deep Learning (2015), chapter 1";
const CHAPTER_3: &str = "Nielsen, Neural Networks and Deep Learning (2015), chapter 3";
const CHAPTER_6: &str = "Nielsen, Neural Networks and Deep Learning (2015), chapter 6";
const KERAS: &str = "Keras 2, examples/mnist_mlp.py";
const KERAS_TRANSFER: &str = "Keras 2, examples/mnist_transfer_cnn.py";

const PEAK: &str =
    "the source gives the best epoch on the test part, ours is the best on the validation part; biases begin at 0";
const CHOSEN: &str = "the 10,000 validation pictures are drawn, not the last; biases begin at 0, weights with variance 1/n_in, or 2/n_in before relu";
const SHIFTED: &str = "each epoch shifts each picture anew by up to one pixel each way, where the source keeps five copies; else as \
                       nielsen_relu";
const LAST: &str =
    "10,000 of the 60,000 training pictures choose the epoch, where the source trains on all and takes the last";

const FROZEN: &str = "adam in place of adadelta; frozen layers drop nothing; a sixth of the training pictures chooses the \
                      epoch, where the source trains on all and takes the last";

/// All figures, from the smallest network to the largest.
pub(super) static FIGURES: &[Figure] = &[
    figure!("nielsen_mse", "nielsen_mse", 9542, 1, "784-30-10 sigmoid, squared error", CHAPTER_1, PEAK),
    figure!("nielsen_cross_entropy", "nielsen_cross_entropy", 9549, 1, "the same, cross-entropy", CHAPTER_3, PEAK),
    figure!("nielsen_l2", "nielsen_l2", 9804, 1, "784-100-10 sigmoid, cross-entropy, L2", CHAPTER_3, PEAK),
    figure!("nielsen_conv", "nielsen_conv", 9878, 1, "convolution and pooling, 100 sigmoid", CHAPTER_6, CHOSEN),
    figure!("nielsen_conv_2", "nielsen_conv_2", 9906, 1, "a second convolution and pooling", CHAPTER_6, CHOSEN),
    figure!("nielsen_relu", "nielsen_relu", 9923, 1, "the same with ReLU and L2", CHAPTER_6, CHOSEN),
    figure!("nielsen_shifted", "nielsen_shifted", 9937, 1, "the same, pictures shifted by a pixel", CHAPTER_6, SHIFTED),
    figure!("nielsen_dropout", "nielsen_dropout", 9960, 1, "the same, two dropout layers of 1,000", CHAPTER_6, SHIFTED),
    figure!("nielsen_vote", "nielsen_dropout", 9967, 5, "five such networks, by vote", CHAPTER_6, SHIFTED),
    figure!("mnist_mlp", "mnist_mlp", 9840, 1, "784-512-512-10 ReLU, dropout 0.2", KERAS, LAST),
    Figure {
        before: Some(text!("mnist_transfer_cnn_before")),
        ..figure!(
            "mnist_transfer_cnn",
            "mnist_transfer_cnn",
            9920,
            1,
            "digits 5 to 9 on frozen layers that learnt 0 to 4",
            KERAS_TRANSFER,
            FROZEN
        )
    },
];
