// c = aᵀ b for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 rows × 64 columns. Lane l holds columns 4 l to 4 l + 3 of both halves of 32, for every row.
// Rows of c lie along columns of a: one load takes 16 of them at two k, lane l columns 4 (l % 4) onwards at
// k + l / 4, and the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let m = size_m();
    let row = group.y * 16u;
    let column = group.x * 64u + lane * 4u;
    let end = min(size_k(), (group.z + 1u) * args.part);
    if (row >= m) {
        return;
    }
    //@for q=0..4
    //@for c=x y z w
    var left{q}{c} = vec4f(0.0);
    var right{q}{c} = vec4f(0.0);
    //@end
    //@end
    for (var k = group.z * args.part; k < end; k += 4u) {
        let a0 = four_of_a(min(k + lane / 4u, end - 1u), row + lane % 4u * 4u, args.m);
        let a1 = four_of_a(min(k + lane / 4u + 2u, end - 1u), row + lane % 4u * 4u, args.m);
        //@for d,s,l0,l1,l2,l3=0:a0:0:1:2:3 1:a0:4:5:6:7 2:a1:0:1:2:3 3:a1:4:5:6:7
        if (k + {d}u < end) {
            let b0 = four_of_b(k + {d}u, column, args.n);
            let b1 = four_of_b(k + {d}u, column + 32u, args.n);
            //@for q,l=0:{l0} 1:{l1} 2:{l2} 3:{l3}
            //@for c=x y z w
            {
                let v = subgroupBroadcast({s}.{c}, {l}u);
                left{q}{c} += v * b0;
                right{q}{c} += v * b1;
            }
            //@end
            //@end
        }
        //@end
    }
    // A store for each sum would take a driver many times as long to compile.
    for (var i = 0u; i < unfolded(16u); i++) {
        var left = left0x;
        var right = right0x;
        //@for v,o=0y:1 0z:2 0w:3 1x:4 1y:5 1z:6 1w:7 2x:8 2y:9 2z:10 2w:11 3x:12 3y:13 3z:14 3w:15
        left = select(left, left{v}, i == {o}u);
        right = select(right, right{v}, i == {o}u);
        //@end
        //@for j,e=0:x 1:y 2:z 3:w
        if (row + i < m && column + {j}u < args.n) {
            store(group.z, row + i, column + {j}u, left.{e});
        }
        if (row + i < m && column + {j}u + 32u < args.n) {
            store(group.z, row + i, column + {j}u + 32u, right.{e});
        }
        //@end
    }
}
