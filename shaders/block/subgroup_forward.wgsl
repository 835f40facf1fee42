// For drivers that run on a CPU: one subgroup of 8 lanes computes 32 columns of all rows, lane l columns 4 l to 4 l + 3,
// and then has what the statistics of its columns need. 32 rows at a time: for each four k, lane l loads rows l, l + 8,
// l + 16 and l + 24 of x, and the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let rows = now.rows;
    let depth = unfolded(args.k);
    let quads = quads_of_row();
    let quad = group.x * 8u + lane;
    let column = min(quad, quads - 1u) * 4u;
    // The first row that the lane stores; none of a lane without columns of its own.
    let first = select(rows, 0u, quad < quads);
    //@for q=0..4
    let w{q} = weight_of(column + {q}u);
    //@end
    for (var row = 0u; row < rows; row += 32u) {
        //@for s,o=0:0u 1:8u 2:16u 3:24u
        let row{s} = min(row + lane + {o}, rows - 1u) * depth;
        //@for l=0..8
        var sum{s}{l} = vec4f(0.0);
        //@end
        //@end
        for (var k = 0u; k < depth; k += 4u) {
            //@with set_present set_present(depth - k);
            //@for q=0..4
            let a{q} = x_at(row{q} + k);
            let b{q} = params_at(w{q} + k);
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
        //@with set_present set_present(args.n - column);
        //@with bias_at let bias = bias_at(column);
        // One store that picks its sum takes a driver a fraction of the time to compile that a store for each sum takes.
        for (var l = 0u; l < unfolded(8u); l++) {
            //@for s,o=0:0u 1:8u 2:16u 3:24u
            {
                var sum = sum{s}0;
                //@for i=1..8
                sum = select(sum, sum{s}{i}, l == {i}u);
                //@end
                //@with bias_at sum += bias;
                //@with before sum = before(sum);
                let r = first + row + {o} + l;
                if (r < rows) {
                    product_keep(r * args.n + column, sum);
                }
            }
            //@end
        }
    }
    finish(column, first, 1u);
}
