// For drivers that run on a CPU: one subgroup of 8 lanes computes 32 columns of all rows, lane l columns 4 l to 4 l + 3,
// and then has what the statistics of its columns need. 32 rows at a time: for each four k, lane l loads rows l, l + 8,
// l + 16 and l + 24 of x, and the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let rows = now.rows;
    let depth = unfolded(args.k);
    let quads = (args.n + 3u) / 4u;
    let mine = group.x * 8u + lane < quads;
    let quad = min(group.x * 8u + lane, quads - 1u);
    let count = min(4u, args.n - quad * 4u);
    //@for q=0..4
    let w{q} = args.weight + min(quad * 4u + {q}u, args.n - 1u) * depth;
    //@end
    let bias = bias_at(quad * 4u, count);
    for (var row = 0u; row < rows; row += 32u) {
        //@for s,o=0:0u 1:8u 2:16u 3:24u
        let row{s} = min(row + lane + {o}, rows - 1u) * depth;
        //@for l=0..8
        var sum{s}{l} = bias;
        //@end
        //@end
        for (var k = 0u; k < depth; k += 4u) {
            let left = min(4u, depth - k);
            //@for q=0..4
            let a{q} = x_at(row{q} + k, left);
            let b{q} = params_at(w{q} + k, left);
            //@end
            //@for s=0..4
            //@for l=0..8
            {
                let v = subgroupBroadcast(a{s}, {l}u);
                sum{s}{l} += vec4f(dot(v, b0), dot(v, b1), dot(v, b2), dot(v, b3));
            }
            //@end
            //@end
        }
        // One store that picks its sum takes a driver a fraction of the time to compile that a store for each sum takes.
        for (var l = 0u; l < unfolded(8u); l++) {
            //@for s,o=0:0u 1:8u 2:16u 3:24u
            {
                var sum = sum{s}0;
                //@for i=1..8
                sum = select(sum, sum{s}{i}, l == {i}u);
                //@end
                let i = (row + {o} + l) * args.n + quad * 4u;
                if (mine && row + {o} + l < rows) {
                    product_keep(i, count, before(At(i, count), sum));
                }
            }
            //@end
        }
    }
    finish(quad, 0u, 1u, lane, mine);
}
