// c[m, n] = Σ_k a · b, with rows of a or b gathered from images [rows, height, width, channels]. Sizes that count the rows of the
// batch are the capacity here; the step says how many rows there are.
struct Args {
    m: u32,
    n: u32,
    k: u32,
    part: u32,
    in_h: u32,
    in_w: u32,
    in_c: u32,
    out_h: u32,
    out_w: u32,
    out_c: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    dilation: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
