// For drivers that run on a CPU: one subgroup of 8 lanes computes 32 columns of all rows, lane l columns 4 l to 4 l + 3,
// and then has what the statistics of its columns need. The product as in matmul/subgroup_nt.wgsl, 16 rows at a time.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let k4 = unfolded(args.k) / 4u;
    let n4 = args.n / 4u;
    let mine = group.x * 8u + lane < n4;
    let quad = min(group.x * 8u + lane, n4 - 1u);
    let w = args.weight / 4u + quad * 4u * k4;
    let bias = params[args.bias / 4u + quad];
    for (var row = 0u; row < now.rows; row += 16u) {
        //@for i=0..16
        var sum{i} = bias;
        //@end
        let row0 = min(row + lane, now.rows - 1u) * k4;
        let row1 = min(row + lane + 8u, now.rows - 1u) * k4;
        for (var k = 0u; k < k4; k++) {
            let a0 = x[row0 + k];
            let a1 = x[row1 + k];
            //@for q=0..4
            let b{q} = params[w + {q}u * k4 + k];
            //@end
            //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
            {
                let v = subgroupBroadcast({s}, {l}u);
                sum{i} += vec4f(dot(v, b0), dot(v, b1), dot(v, b2), dot(v, b3));
            }
            //@end
        }
        //@for i=0..16
        if (mine && row + {i}u < now.rows) {
            zs[(row + {i}u) * n4 + quad] = sum{i};
        }
        //@end
    }
    finish(quad, 0u, 1u, lane, mine);
}
