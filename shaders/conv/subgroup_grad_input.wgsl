// dx for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 pixels × 64 channels. Lane l holds channels 4 l to 4 l + 3 of both halves of 32, for every pixel, and for
// each four channels of dy loads those of the outputs that a tap of pixels l and l + 8 is read by: the other lanes get them by
// broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let m = now.rows * args.in_h * args.in_w;
    let row = group.y * 16u;
    let column = group.x * 64u + lane * 4u;
    if (row >= m) {
        return;
    }
    //@for i=0..16
    var left{i} = vec4f(0.0);
    var right{i} = vec4f(0.0);
    //@end
    let taps = args.kernel * args.kernel;
    let place0 = bordered(min(row + lane, m - 1u));
    let place1 = bordered(min(row + lane + 8u, m - 1u));
    let kernel = unfolded(args.kernel);
    for (var u = 0u; u < kernel; u++) {
        for (var v = 0u; v < kernel; v++) {
            let pixel0 = reader(place0, u, v);
            let pixel1 = reader(place1, u, v);
            let tap = u * args.kernel + v;
            for (var o = 0u; o < args.out_c; o += 4u) {
                let a0 = four_of_a(pixel0, o, args.out_c);
                let a1 = four_of_a(pixel1, o, args.out_c);
                //@for d,c=0:x 1:y 2:z 3:w
                if (o + {d}u < args.out_c) {
                    let weight = (o + {d}u) * taps + tap;
                    let b0 = four_of_b(weight, column, args.in_c);
                    let b1 = four_of_b(weight, column + 32u, args.in_c);
                    //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
                    {
                        let dy = subgroupBroadcast({s}.{c}, {l}u);
                        left{i} += dy * b0;
                        right{i} += dy * b1;
                    }
                    //@end
                }
                //@end
            }
        }
    }
    // A store for each sum would take a driver many times as long to compile.
    for (var i = 0u; i < unfolded(16u); i++) {
        var left = left0;
        var right = right0;
        //@for j=1..16
        left = select(left, left{j}, i == {j}u);
        right = select(right, right{j}, i == {j}u);
        //@end
        //@for q,c=0:x 1:y 2:z 3:w
        if (row + i < m && column + {q}u < args.n) {
            store(0u, row + i, column + {q}u, left.{c});
        }
        if (row + i < m && column + {q}u + 32u < args.n) {
            store(0u, row + i, column + {q}u + 32u, right.{c});
        }
        //@end
    }
}
