// A box says where a picture lies and what is drawn for it, 12 words: row, place of the picture's first byte, its height and
// width; the box's top and left and the size of an output pixel, y before x, in 65536ths of a pixel of the picture; whether left
// becomes right; the factors of brightness and contrast; nothing.
struct Args {
    features: u32,
    targets: u32,
    width: u32,
    channels: u32,
    // Whether each channel is a plane of its own, in pictures and in x; else a pixel's channels lie together.
    planes: u32,
    // Most pixels of a picture that an output pixel is made of, in a column or a row.
    taps: u32,
    // Whether the picture is mirrored beyond its edges; else it is black there.
    reflect: u32,
    // Whether x is normalised here; else a kernel behind this one does it.
    normalized: u32,
    // The largest value of a pixel.
    largest: f32,
}
@group(0) @binding(0) var<uniform> args: Args;

const BOX: u32 = 12u;
