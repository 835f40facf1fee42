// dweight for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 channels of dy × 8 quads of (tap, channel of x), and adds up the outputs of part z. Lane l holds quad
// 8 · group.x + l for every channel of dy, and loads the four channels of x at its tap; of dy it loads channels 4 (l % 4) onwards
// of the output l / 4 of every two, and the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let row = group.y * 16u;
    let quads = (args.in_c + 3u) / 4u;
    let taps = args.kernel * args.kernel;
    let quad = group.x * 8u + lane;
    let tap = min(quad / quads, taps - 1u);
    let c = quad % quads * 4u;
    let begin = group.z * args.part;
    let end = min(now.rows * args.out_h * args.out_w, begin + args.part);
    //@for q=0..4
    //@for c=x y z w
    var sum{q}{c} = vec4f(0.0);
    //@end
    //@end
    let u = tap / args.kernel;
    let v = tap % args.kernel;
    var image = begin / args.out_w / args.out_h;
    var y = begin / args.out_w % args.out_h;
    var x = begin % args.out_w;
    for (var k = begin; k < end; k += 2u) {
        let dy = four_of_a(min(k + lane / 4u, end - 1u), row + lane % 4u * 4u, args.out_c);
        //@for d=0..2
        if (k + {d}u < end) {
            let window = vec3u(image * args.in_h * args.in_w, y * args.stride - args.padding, x * args.stride - args.padding);
            let four = four_of_b(tapped(window, u, v), c, args.in_c);
            //@for q=0..4
            //@for c=x y z w
            sum{q}{c} += subgroupBroadcast(dy.{c}, {d}u * 4u + {q}u) * four;
            //@end
            //@end
            x += 1u;
            if (x == args.out_w) {
                x = 0u;
                y += 1u;
            }
            if (y == args.out_h) {
                y = 0u;
                image += 1u;
            }
        }
        //@end
    }
    // A store for each sum would take a driver many times as long to compile.
    for (var i = 0u; i < unfolded(16u); i++) {
        var sum = sum0x;
        //@for q=0..4
        //@for c,o=x:0u y:1u z:2u w:3u
        sum = select(sum, sum{q}{c}, i == {q}u * 4u + {o});
        //@end
        //@end
        //@for j,e=0:x 1:y 2:z 3:w
        if (row + i < args.m && quad < quads * taps && c + {j}u < args.in_c) {
            store(group.z, row + i, tap * args.in_c + c + {j}u, sum.{e});
        }
        //@end
    }
}
