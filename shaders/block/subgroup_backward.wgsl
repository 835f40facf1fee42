// For drivers that run on a CPU: one subgroup of 8 lanes computes 32 columns of all rows, lane l columns 4 l to 4 l + 3.
// 32 rows at a time: for each k, lane l loads rows l, l + 8, l + 16 and l + 24 of dy, and the other lanes get them by
// broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let rows = now.rows;
    let depth = unfolded(args.k);
    let quads = (args.n + 3u) / 4u;
    let mine = group.x * 8u + lane < quads;
    let quad = min(group.x * 8u + lane, quads - 1u);
    let count = min(4u, args.n - quad * 4u);
    // V has the columns of h.
    let v = args.weight + quad * 4u / NARROW;
    let width = args.n / NARROW;
    for (var row = 0u; row < rows; row += 32u) {
        //@for s,o=0:0u 1:8u 2:16u 3:24u
        let row{s} = min(row + lane + {o}, rows - 1u) * depth;
        //@for l=0..8
        var sum{s}{l} = vec4f(0.0);
        //@end
        //@end
        for (var k = 0u; k < depth; k++) {
            let b = params_at(v + k * width, count / NARROW);
            //@for s=0..4
            let a{s} = dy[row{s} + k];
            //@for l=0..8
            sum{s}{l} += subgroupBroadcast(a{s}, {l}u) * b;
            //@end
            //@end
        }
        for (var l = 0u; l < unfolded(8u); l++) {
            //@for s,o=0:0u 1:8u 2:16u 3:24u
            {
                var sum = sum{s}0;
                //@for i=1..8
                sum = select(sum, sum{s}{i}, l == {i}u);
                //@end
                if (mine && row + {o} + l < rows) {
                    dz_keep((row + {o} + l) * args.n + quad * 4u, count / NARROW, sum);
                }
            }
            //@end
        }
    }
    finish(quad, 0u, 1u, lane, mine);
}
