//! Networks whose hidden linear layers have other widths.

use crate::nn::LayerText;

/// The layers with the widths of the hidden linear layers multiplied by a factor, and rounded to what the `maxout` behind them
/// divides. The last linear layer keeps its outputs. That of a residual block gives as much as goes into the block, to which it
/// is added; a block before any linear layer gives what it gave.
pub(super) fn scaled(layers: &[LayerText], factor: f64) -> Vec<LayerText> {
    let mut layers = layers.to_vec();
    scale(&mut layers, None, factor);
    layers
}

/// The same in place, of layers that are to give as many values as go in, or as they gave where that is not known.
fn scale(layers: &mut [LayerText], input: Option<usize>, factor: f64) {
    let last = layers.iter().rposition(|layer| layer.kind == "linear");
    let mut width = input;
    for at in 0..layers.len() {
        let (before, behind) = layers.split_at_mut(at + 1);
        let layer = &mut before[at];
        match layer.kind.as_str() {
            "linear" => {
                let Some(old) = layer.values.first().and_then(|text| text.parse().ok()) else { continue };
                let new = if Some(at) == last {
                    input.map_or(old, |input| behind.iter().map(pieces).fold(input, usize::saturating_mul))
                } else {
                    rounded(old as f64 * factor, divisor(behind))
                };
                layer.values[0] = new.to_string();
                width = Some(new);
            }
            "residual" => scale(&mut layer.body, width, factor),
            _ => width = width.map(|width| width / pieces(layer)),
        }
    }
}

/// The nearest multiple of a divisor, and at least that itself.
fn rounded(width: f64, divisor: usize) -> usize {
    ((width / divisor as f64).round() as usize).max(1).saturating_mul(divisor)
}

/// The values that a layer makes one of.
fn pieces(layer: &LayerText) -> usize {
    let given = || layer.values.first().map_or(Some(2), |text| text.parse().ok());
    if layer.kind == "maxout" { given().unwrap_or(1).max(1) } else { 1 }
}

/// What a width must be a multiple of for the layers that take it.
fn divisor(layers: &[LayerText]) -> usize {
    let Some((layer, behind)) = layers.split_first() else { return 1 };
    match layer.kind.as_str() {
        "linear" => 1,
        "residual" => common_multiple(of_body(&layer.body), divisor(behind)),
        _ => pieces(layer).saturating_mul(divisor(behind)),
    }
}

/// What the width of a residual block must be a multiple of for the layers inside: for the first, which take it, and for blocks
/// behind the last linear layer, which gives it. That layer makes up for each `maxout` behind it.
fn of_body(body: &[LayerText]) -> usize {
    let last = body.iter().rposition(|layer| layer.kind == "linear");
    let blocks = body[last.map_or(body.len(), |last| last + 1)..].iter().filter(|layer| layer.kind == "residual");
    blocks.map(|block| of_body(&block.body)).fold(divisor(body), common_multiple)
}

fn common_multiple(a: usize, b: usize) -> usize {
    let (mut gcd, mut rest) = (a, b);
    while rest > 0 {
        (gcd, rest) = (rest, gcd % rest);
    }
    (a / gcd).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::items;

    fn read(layers: &str) -> Vec<LayerText> {
        items(layers).into_iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn hidden_widths_are_scaled_and_nothing_else() {
        for (layers, factor, wanted) in [
            (
                "conv 8, flatten, linear 30 init=he, relu, linear 10",
                0.75,
                "conv 8, flatten, linear 23 init=he, relu, linear 10",
            ),
            ("linear 1, relu, linear 8, sigmoid", 0.5, "linear 1, relu, linear 8, sigmoid"),
            ("linear 8, relu, linear 1, sigmoid", 2.0, "linear 16, relu, linear 1, sigmoid"),
            // 15 is between 14 and 16, and 7.5 nearer to 6 than to 12.
            ("linear 30, maxout 2, linear 10", 0.5, "linear 16, maxout 2, linear 10"),
            (
                "linear 32, maxout 2, dropout, maxout, linear 9, maxout 3, linear 20, maxout",
                0.25,
                "linear 8, maxout 2, dropout, maxout, linear 3, maxout 3, linear 20, maxout",
            ),
            ("linear 12, maxout 6, linear 1", 0.6, "linear 6, maxout 6, linear 1"),
        ] {
            assert_eq!(scaled(&read(layers), factor), read(wanted), "{layers}");
        }
    }

    #[test]
    fn a_block_gives_as_much_as_goes_in() {
        for (layers, factor, wanted) in [
            // Of the rows themselves, whose number does not change.
            ("residual(linear 6; relu; linear 4), linear 3", 1.5, "residual(linear 9; relu; linear 4), linear 3"),
            (
                "linear 8, residual(linear 6; relu; linear 8), relu, linear 3",
                0.5,
                "linear 4, residual(linear 3; relu; linear 4), relu, linear 3",
            ),
            (
                "linear 8, residual(linear 6; linear 24; maxout 3), linear 3",
                0.5,
                "linear 4, residual(linear 3; linear 12; maxout 3), linear 3",
            ),
            // The outputs are those of the last linear layer that is in no block.
            (
                "linear 8, linear 3, residual(linear 6; linear 3)",
                0.5,
                "linear 4, linear 3, residual(linear 3; linear 3)",
            ),
            // What goes in is halved and then cut in threes, beside the twos behind.
            (
                "linear 24, maxout 2, residual(maxout 3; linear 12), maxout 2, linear 3",
                0.4,
                "linear 12, maxout 2, residual(maxout 3; linear 6), maxout 2, linear 3",
            ),
            (
                "linear 10, residual(residual(maxout 2; linear 10); relu), linear 3",
                0.5,
                "linear 6, residual(residual(maxout 2; linear 6); relu), linear 3",
            ),
            (
                "linear 10, residual(linear 10; residual(maxout 2; linear 10)), linear 3",
                0.5,
                "linear 6, residual(linear 6; residual(maxout 2; linear 6)), linear 3",
            ),
        ] {
            assert_eq!(scaled(&read(layers), factor), read(wanted), "{layers}");
        }
    }
}
