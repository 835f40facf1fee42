// For drivers that run on a CPU: one subgroup of 8 lanes computes 32 columns of all rows, lane l columns 4 l to 4 l + 3.
// 32 rows at a time: for each k, lane l loads rows l, l + 8, l + 16 and l + 24 of dy, and the other lanes get them by
// broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let rows = now.rows;
    let depth = unfolded(args.k);
    let quads = quads_of_row();
    let quad = group.x * 8u + lane;
    let column = min(quad, quads - 1u) * 4u;
    // As in subgroup_forward.wgsl.
    let first = select(rows, 0u, quad < quads);
    //@with set_present set_present(args.n - column);
    for (var row = 0u; row < rows; row += 32u) {
        //@for s,o=0:0u 1:8u 2:16u 3:24u
        let row{s} = min(row + lane + {o}, rows - 1u) * depth;
        //@for l=0..8
        var sum{s}{l} = vec4f(0.0);
        //@end
        //@end
        for (var k = 0u; k < depth; k++) {
            let b = v_at(k * args.n + column);
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
                let r = first + row + {o} + l;
                if (r < rows) {
                    dz_keep(r * args.n + column, sum);
                }
            }
            //@end
        }
    }
    finish(column, first, 1u);
}
