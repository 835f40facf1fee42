// outputs = h Wᵀ + b, into d_outputs; h is [rows, k], W [outputs, k]. Threads take them in turn.
fn product(lane: u32) {
    let depth = unfolded(args.k);
    let count = now.rows * args.outputs;
    for (var i = lane; i < count; i += LANES) {
        let row = i / args.outputs * depth;
        let column = i % args.outputs;
        let w = args.weight + column * depth;
        var sum = vec4f(0.0);
        for (var k = 0u; k < depth; k += 4u) {
            //@with set_present set_present(depth - k);
            sum += h_at(row + k) * params_at(w + k);
        }
        d_outputs[i] = sum.x + sum.y + sum.z + sum.w + bias_of(column);
    }
    storageBarrier();
}
