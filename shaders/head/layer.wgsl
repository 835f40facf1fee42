// The logits are those of a last layer, which `product` lays into d_logits.
@group(0) @binding(1) var<storage, read> h: array<Quad>;
@group(0) @binding(2) var<storage, read> params: array<Quad>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read> class_weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_logits: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
@group(0) @binding(7) var<storage, read_write> corrects: array<u32>;
@group(0) @binding(8) var<storage, read_write> now: Now;

fn logit(i: u32) -> f32 {
    return d_logits[i];
}

// Number `at` of four. A compiler may make a sum of products with 0 and 1 of `v[at]`, and 0 times a NaN beside it is NaN.
fn number_of(v: vec4f, at: u32) -> f32 {
    return select(select(v.x, v.y, at == 1u), select(v.z, v.w, at == 3u), at > 1u);
}
