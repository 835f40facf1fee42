// logits = h Wᵀ + b, into d_logits; h is [rows, k], W [classes, k], k a multiple of four. Threads take them in turn.
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

fn product(lane: u32) {
    let k4 = unfolded(args.k) / 4u;
    let outputs = now.rows * args.classes;
    for (var i = lane; i < outputs; i += LANES) {
        let row = i / args.classes * k4;
        let column = i % args.classes;
        let w = args.weight / 4u + column * k4;
        var sum = vec4f(0.0);
        for (var k = 0u; k < k4; k++) {
            sum += numbers(h[row + k]) * numbers(params[w + k]);
        }
        let bias = args.bias + column;
        d_logits[i] = sum.x + sum.y + sum.z + sum.w + numbers(params[bias / 4u])[bias % 4u];
    }
    storageBarrier();
}
