// For drivers that run on a CPU: one subgroup of 8 lanes, which finds its product and computes 32 rows × 64 columns of it.
// Lane l holds columns 4 l to 4 l + 3 of both halves of 32. For each row of the step it loads dy of four rows of the
// product, 4 l onwards, and the other lanes get them by broadcast.

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    var job = 0u;
    var m = args.m0;
    var n = args.n0;
    var first = args.first0;
    var weight = args.weight0;
    var bias = args.bias0;
    //@for j=1 2
    if (group.x >= args.first{j}) {
        job = {j}u;
        m = args.m{j};
        n = args.n{j};
        first = args.first{j};
        weight = args.weight{j};
        bias = args.bias{j};
    }
    //@end
    // Of a layer without columns, only the bias's gradient is wanted.
    let width = max(n, 1u);
    let quads = (width + 3u) / 4u;
    let across = (quads + 15u) / 16u;
    let row = (group.x - first) / across * 32u;
    let quad = (group.x - first) % across * 16u + lane;
    let column0 = min(quad, quads - 1u) * 4u;
    let column1 = min(quad + 8u, quads - 1u) * 4u;
    let count0 = min(4u, width - column0);
    let count1 = min(4u, width - column1);
    let own = min(row + lane * 4u, (m - 1u) / 2u * 2u);
    var total = vec4f(0.0);
    //@for c=0..4
    //@for l=0..8
    var left{l}{c} = vec4f(0.0);
    var right{l}{c} = vec4f(0.0);
    //@end
    //@end
    let rows = now.rows;
    let last = rows * m - 1u;
    for (var k = 0u; k < rows; k++) {
        let b0 = load_x(job, k * n + column0, count0);
        let b1 = load_x(job, k * n + column1, count1);
        let a = load_dy(job, k * m + own, last);
        total += a;
        //@for l=0..8
        {
            let v = subgroupBroadcast(a, {l}u);
            //@for c,e=0:x 1:y 2:z 3:w
            left{l}{c} += v.{e} * b0;
            right{l}{c} += v.{e} * b1;
            //@end
        }
        //@end
    }
    // A store for each sum would take a driver many times as long to compile.
    let eight = unfolded(8u);
    for (var l = 0u; l < eight; l++) {
        //@for c=0..4
        var left{c} = left0{c};
        var right{c} = right0{c};
        //@for k=1..8
        left{c} = select(left{c}, left{k}{c}, l == {k}u);
        right{c} = select(right{c}, right{k}{c}, l == {k}u);
        //@end
        //@end
        for (var q = 0u; q < eight; q++) {
            var sum = left0;
            //@for v,i=left1:2 left2:4 left3:6 right0:1 right1:3 right2:5 right3:7
            sum = select(sum, {v}, q == {i}u);
            //@end
            let i = l * 4u + q / 2u;
            let column = quad + q % 2u * 8u;
            if (n > 0u && row + i < m && column < quads) {
                keep(weight + (row + i) * n + column * 4u, min(4u, n - column * 4u), sum);
            }
        }
    }
    let mine = row + lane * 4u;
    if (quad < 8u && bias != NO_BIAS && mine < m) {
        keep(bias + mine, min(4u, m - mine), total);
    }
}
