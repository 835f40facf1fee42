// outputs = the sum of `parts` parts of h Wᵀ, each of `stride` words, which other groups made, and b, into d_outputs. Threads
// take them in turn.
fn product(lane: u32) {
    let count = now.rows * args.outputs;
    for (var i = lane; i < count; i += LANES) {
        var sum = bias_of(i % args.outputs);
        for (var part = 0u; part < args.parts; part++) {
            sum += partial[part * args.stride + i];
        }
        d_outputs[i] = sum;
    }
    storageBarrier();
}
