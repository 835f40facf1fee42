// logits = h Wᵀ + b, into d_logits; h is [rows, k], W [classes, k], k a multiple of four. Threads take them in turn.
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
        d_logits[i] = sum.x + sum.y + sum.z + sum.w + number_of(numbers(params[bias / 4u]), bias % 4u);
    }
    storageBarrier();
}
