// For drivers that run on a CPU: one subgroup of 8 lanes, which finds its product and computes 32 rows × 64 columns of it.
// Lane l holds columns 4 l to 4 l + 3 of both halves of 32. For each row of the step it loads dy of four rows of the
// product, 4 l onwards, and the other lanes get them by broadcast. n is a multiple of four.
//@for j,b=0:2 1:4 2:6
@group(0) @binding({b}) var<storage, read> x{j}: array<Quad>;
//@end
@group(0) @binding(8) var<storage, read_write> grads: array<Quad>;

fn load_x(job: u32, i: u32) -> vec4f {
    switch job {
        case 0u: { return numbers(x0[i]); }
        case 1u: { return numbers(x1[i]); }
        default: { return numbers(x2[i]); }
    }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    var job = 0u;
    var m = args.m0;
    var n4 = args.n0 / 4u;
    var first = args.first0;
    var weight = args.weight0;
    var bias = args.bias0;
    //@for j=1 2
    if (group.x >= args.first{j}) {
        job = {j}u;
        m = args.m{j};
        n4 = args.n{j} / 4u;
        first = args.first{j};
        weight = args.weight{j};
        bias = args.bias{j};
    }
    //@end
    let across = (n4 + 15u) / 16u;
    let row = (group.x - first) / across * 32u;
    let quad = (group.x - first) % across * 16u + lane;
    let near = min(quad, n4 - 1u);
    let far = min(quad + 8u, n4 - 1u);
    //@for c=0..4
    let own{c} = min(row + lane * 4u + {c}u, m - 1u);
    var total{c} = 0.0;
    //@for l=0..8
    var left{l}{c} = vec4f(0.0);
    var right{l}{c} = vec4f(0.0);
    //@end
    //@end
    let rows = now.rows;
    for (var k = 0u; k < rows; k++) {
        let b0 = load_x(job, k * n4 + near);
        let b1 = load_x(job, k * n4 + far);
        //@for c=0..4
        let a{c} = load_dy(job, k * m + own{c});
        total{c} += a{c};
        //@for l=0..8
        {
            let v = subgroupBroadcast(a{c}, {l}u);
            left{l}{c} += v * b0;
            right{l}{c} += v * b1;
        }
        //@end
        //@end
    }
    let at = weight / 4u + row * n4 + quad;
    //@for l,o=0:0 1:4 2:8 3:12 4:16 5:20 6:24 7:28
    //@for c=0..4
    if (row + {o}u + {c}u < m) {
        if (quad < n4) {
            grads[at + ({o}u + {c}u) * n4] = packed(left{l}{c});
        }
        if (quad + 8u < n4) {
            grads[at + ({o}u + {c}u) * n4 + 8u] = packed(right{l}{c});
        }
    }
    //@end
    //@end
    // What lies beyond the last row stays as it is.
    let mine = row + lane * 4u;
    if (quad < 8u && bias != NO_BIAS && mine < m) {
        let within = vec4u(mine) + vec4u(0u, 1u, 2u, 3u) < vec4u(m);
        let place = (bias + mine) / 4u;
        grads[place] = packed(select(numbers(grads[place]), vec4f(total0, total1, total2, total3), within));
    }
}
