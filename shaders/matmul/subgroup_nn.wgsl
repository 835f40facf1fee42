// c = a b for drivers that run on a CPU: one subgroup of 8 lanes, no workgroup memory (there it is as slow as any).
//
// The group computes 16 rows × 64 columns. Lane l holds columns 4 l to 4 l + 3 of both halves of 32, for every row,
// and for each four k loads rows l and l + 8 of a: the other lanes get them by broadcast.
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let m = size_m();
    let row = group.y * 16u;
    let column = group.x * 64u + lane * 4u;
    let end = min(size_k(), (group.z + 1u) * args.part);
    if (row >= m) {
        return;
    }
    //@for i=0..16
    var left{i} = vec4f(0.0);
    var right{i} = vec4f(0.0);
    //@end
    let row0 = min(row + lane, m - 1u);
    let row1 = min(row + lane + 8u, m - 1u);
    for (var k = group.z * args.part; k < end; k += 4u) {
        let a0 = four_of_a(row0, k, args.k);
        let a1 = four_of_a(row1, k, args.k);
        //@for d,c=0:x 1:y 2:z 3:w
        if (k + {d}u < end) {
            let b0 = four_of_b(k + {d}u, column, args.n);
            let b1 = four_of_b(k + {d}u, column + 32u, args.n);
            //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
            {
                let v = subgroupBroadcast({s}.{c}, {l}u);
                left{i} += v * b0;
                right{i} += v * b1;
            }
            //@end
        }
        //@end
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
            store(group.z, row + i, column + {q}u, left.{c});
        }
        if (row + i < m && column + {q}u + 32u < args.n) {
            store(group.z, row + i, column + {q}u + 32u, right.{c});
        }
        //@end
    }
}
