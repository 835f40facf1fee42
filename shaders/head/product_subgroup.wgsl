// logits = h Wᵀ + b, into d_logits; h is [rows, k], W [classes, k], k a multiple of four. For drivers that run on a CPU: a
// subgroup of 8 lanes takes 8 rows and 8 classes at a time. For each four k, lane l loads row l of h and class l of W;
// the other lanes get the rows by broadcast, and lane l sums those of its class.

// Rows, and k / 4: broadcasts must stand in flow that the whole group takes.
var<workgroup> sizes: vec2u;

fn product(thread: u32) {
    if (thread == 0u) {
        sizes = vec2u(now.rows, unfolded(args.k) / 4u);
    }
    let all = workgroupUniformLoad(&sizes);
    let rows = all.x;
    let k4 = all.y;
    let lane = thread % 8u;
    let across = (args.classes + 7u) / 8u;
    let tiles = (rows + 7u) / 8u * across;
    for (var first = 0u; first < tiles; first += LANES / 8u) {
        let tile = first + thread / 8u;
        let row = tile / across * 8u;
        let class_of = tile % across * 8u + lane;
        let near = min(class_of, args.classes - 1u);
        let x = min(row + lane, rows - 1u) * k4;
        let w = args.weight / 4u + near * k4;
        let bias = number_of(numbers(params[(args.bias + near) / 4u]), (args.bias + near) % 4u);
        //@for l=0..8
        var sum{l} = vec4f(0.0);
        //@end
        for (var k = 0u; k < k4; k++) {
            var a = vec4f(0.0);
            var b = vec4f(0.0);
            if (tile < tiles) {
                a = numbers(h[x + k]);
                b = numbers(params[w + k]);
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
            if (tile < tiles && row + l < rows && class_of < args.classes) {
                d_logits[(row + l) * args.classes + class_of] = sum.x + sum.y + sum.z + sum.w + bias;
            }
        }
    }
    storageBarrier();
}
