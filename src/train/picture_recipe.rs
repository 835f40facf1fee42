//! The default recipe for pictures.
//!
//! Pictures of up to 1,024 values, as handwritten digits are, have fully connected layers and SGD at a constant rate. Larger ones
//! have a small convolutional network: convolutions of 3x3 with batch normalisation, whose channels double where pooling halves the
//! sides, then the mean of each channel (Lin et al. 2013, "Network in network", section 3.2). They are trained with AdamW at rate
//! 0.01 with a cosine schedule. `benches/pictures.md` has what was measured.

/// Most values of a picture that has fully connected layers by default.
pub(super) const SMALL: usize = 1024;

/// Channels of the first convolution, and the most of any.
const CHANNELS: (usize, usize) = (16, 128);

/// The shorter side from which on a convolution is followed by another on half the size.
const HALVED: usize = 16;

/// Pictures that training passes over in all its epochs, and the fewest and most epochs.
const SEEN: (usize, [usize; 2]) = (60_000, [10, 60]);

/// The layers for pictures `[channels, height, width]`, but for the last.
pub(super) fn layers(shape: &[usize]) -> Vec<String> {
    let mut side = shape.iter().skip(1).copied().min().unwrap_or_default();
    let (mut channels, most) = CHANNELS;
    let mut layers = vec![];
    loop {
        layers.extend([format!("conv {channels} kernel=3 padding=1"), "batch_norm".into(), "relu".into()]);
        if side < HALVED {
            layers.push("global_avg_pool".into());
            return layers;
        }
        layers.push("max_pool 2".into());
        (side, channels) = (side / 2, (channels * 2).min(most));
    }
}

/// Most pixels of all pictures of a batch. A GPU starts 65,535 workgroups at most, of which one computes 16 pixels.
const PIXELS: usize = 1_000_000;

/// Rows of a batch: `wanted`, a power of two, or as many as have no more pixels than a batch may have; at least two, as batch
/// normalisation needs.
pub(super) fn batch(shape: &[usize], wanted: usize) -> usize {
    let pixels: usize = shape.iter().skip(1).product();
    let mut batch = wanted;
    while batch > 2 && batch * pixels > PIXELS {
        batch /= 2;
    }
    batch
}

/// Passes over the training rows.
pub(super) fn epochs(train: usize) -> u64 {
    let (seen, [fewest, most]) = SEEN;
    (seen / train.max(1)).clamp(fewest, most) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_halved_and_channels_doubled() {
        let convolutions = |shape: [usize; 3]| -> Vec<String> {
            let layers = layers(&shape).into_iter();
            layers.filter_map(|layer| layer.strip_prefix("conv ")?.split(' ').next().map(str::to_owned)).collect()
        };
        assert_eq!(convolutions([3, 32, 32]), ["16", "32", "64"]);
        assert_eq!(convolutions([3, 300, 224]), ["16", "32", "64", "128", "128"]);
        assert_eq!(convolutions([1, 15, 400]), ["16"]);
        assert_eq!(layers(&[3, 16, 16])[3..5], ["max_pool 2", "conv 32 kernel=3 padding=1"]);
        let sides = [(32, 256), (64, 256), (128, 256), (224, 32), (2000, 32)];
        assert_eq!(sides.map(|(side, wanted)| batch(&[3, side, side], wanted)), [256, 128, 32, 16, 2]);
        assert_eq!([1, 3000, 1_000_000].map(epochs), [60, 20, 10]);
    }
}
