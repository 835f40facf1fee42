// y for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 pixels × 32 channels. Lane l holds channels l, l + 8, l + 16, l + 24 of every pixel, and for each four
// channels of a tap loads those of pixels l and l + 8: the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let m = now.rows * args.out_h * args.out_w;
    let row = group.y * 16u;
    let column = group.x * 32u + lane;
    if (row >= m) {
        return;
    }
    //@for i=0..16
    var sum{i} = vec4f(0.0);
    //@end
    let taps = args.kernel * args.kernel;
    //@for q=0..4
    let weights{q} = min(column + {q}u * 8u, args.n - 1u) * taps;
    //@end
    let corner0 = corner(min(row + lane, m - 1u));
    let corner1 = corner(min(row + lane + 8u, m - 1u));
    let kernel = unfolded(args.kernel);
    for (var u = 0u; u < kernel; u++) {
        for (var v = 0u; v < kernel; v++) {
            let pixel0 = tapped(corner0, u, v);
            let pixel1 = tapped(corner1, u, v);
            let tap = u * args.kernel + v;
            for (var c = 0u; c < args.in_c; c += 4u) {
                let a0 = four_of_a(pixel0, c, args.in_c);
                let a1 = four_of_a(pixel1, c, args.in_c);
                //@for q=0..4
                let b{q} = four_of_b(weights{q} + tap, c, args.in_c);
                //@end
                //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
                {
                    let four = subgroupBroadcast({s}, {l}u);
                    sum{i} += vec4f(dot(four, b0), dot(four, b1), dot(four, b2), dot(four, b3));
                }
                //@end
            }
        }
    }
    // A store for each sum would take a driver many times as long to compile.
    for (var i = 0u; i < unfolded(16u); i++) {
        var sum = sum0;
        //@for j=1..16
        sum = select(sum, sum{j}, i == {j}u);
        //@end
        //@for q,c=0:x 1:y 2:z 3:w
        if (row + i < m && column + {q}u * 8u < args.n) {
            store(0u, row + i, column + {q}u * 8u, sum.{c});
        }
        //@end
    }
}
