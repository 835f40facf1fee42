// c = a bᵀ for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 rows × 32 columns. Lane l holds columns l, l + 8, l + 16, l + 24 of every row, and for each
// four k loads rows l and l + 8 of a: the other lanes get them by broadcast, which costs nothing there.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let m = size_m();
    let row = group.y * 16u;
    let column = group.x * 32u + lane;
    let end = min(size_k(), (group.z + 1u) * args.part);
    if (row >= m) {
        return;
    }
    //@for i=0..16
    var sum{i} = vec4f(0.0);
    //@end
    //@for q,o=0:0 1:8 2:16 3:24
    let column{q} = min(column + {o}u, args.n - 1u);
    //@end
    let row0 = min(row + lane, m - 1u);
    let row1 = min(row + lane + 8u, m - 1u);
    for (var k = group.z * args.part; k < end; k += 4u) {
        let a0 = four_of_a(row0, k, args.k);
        let a1 = four_of_a(row1, k, args.k);
        //@for q=0..4
        let b{q} = four_of_b(column{q}, k, args.k);
        //@end
        //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
        {
            let v = subgroupBroadcast({s}, {l}u);
            sum{i} += vec4f(dot(v, b0), dot(v, b1), dot(v, b2), dot(v, b3));
        }
        //@end
    }
    // A store for each sum would take a driver many times as long to compile.
    for (var i = 0u; i < unfolded(16u); i++) {
        var sum = sum0;
        //@for j=1..16
        sum = select(sum, sum{j}, i == {j}u);
        //@end
        //@for o,c=0:x 8:y 16:z 24:w
        if (row + i < m && column + {o}u < args.n) {
            store(group.z, row + i, column + {o}u, sum.{c});
        }
        //@end
    }
}
