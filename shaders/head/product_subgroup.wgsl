// outputs = h Wᵀ + b, into d_outputs; h is [rows, k], W [outputs, k]. For drivers that run on a CPU: a subgroup of 8 lanes takes
// 8 rows and 8 outputs at a time. For each four k, lane l loads row l of h and output l of W; the other lanes get the rows by
// broadcast, and lane l sums those of its output.

// Rows, and k: broadcasts must stand in flow that the whole group takes.
var<workgroup> sizes: vec2u;

fn product(thread: u32) {
    if (thread == 0u) {
        sizes = vec2u(now.rows, unfolded(args.k));
    }
    let all = workgroupUniformLoad(&sizes);
    let rows = all.x;
    let depth = all.y;
    let lane = thread % 8u;
    let across = (args.outputs + 7u) / 8u;
    let tiles = (rows + 7u) / 8u * across;
    for (var first = 0u; first < tiles; first += LANES / 8u) {
        let tile = first + thread / 8u;
        let row = tile / across * 8u;
        let column = tile % across * 8u + lane;
        let near = min(column, args.outputs - 1u);
        let x = min(row + lane, rows - 1u) * depth;
        let w = args.weight + near * depth;
        let bias = bias_of(near);
        //@for l=0..8
        var sum{l} = vec4f(0.0);
        //@end
        for (var k = 0u; k < depth; k += 4u) {
            //@with set_present set_present(depth - k);
            var a = vec4f(0.0);
            var b = vec4f(0.0);
            if (tile < tiles) {
                a = h_at(x + k);
                b = params_at(w + k);
            }
            //@for l=0..8
            sum{l} += subgroupBroadcast(a, {l}u) * b;
            //@end
        }
        for (var l = 0u; l < unfolded(8u); l++) {
            var sum = sum0;
            //@for i=1..8
            sum = select(sum, sum{i}, l == {i}u);
            //@end
            if (tile < tiles && row + l < rows && column < args.outputs) {
                d_outputs[(row + l) * args.outputs + column] = sum.x + sum.y + sum.z + sum.w + bias;
            }
        }
    }
    storageBarrier();
}
