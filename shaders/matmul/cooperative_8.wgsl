// As in cooperative.wgsl, by matrices of 8 × 8: a quarter is 4 × 4 of them.
const TILE: u32 = 8u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let begin = group.z * args.part;
    let end = min(size_k(), begin + args.part);
    for (var first = 0u; first < 4u; first += subgroups) {
        // Subgroups without a quarter of their own compute the last one once more, and nobody reads their sums.
        let quarter = min(first + subgroup, 3u);
        let area = min(subgroup, 4u);
        let at_a = quarter / 2u * SIDE * DEPTH;
        let at_b = quarter % 2u * SIDE;
        //@for i=0..4
        //@for j=0..4
        var sum{i}_{j} = coop_mat8x8<f32, C>();
        //@end
        //@end
        for (var k = begin; k < end; k += DEPTH) {
            copy_pieces(group.y * EDGE, group.x * EDGE, k, end, lane);
            workgroupBarrier();
            //@for d=0..2
            {
                //@for j=0..4
                let b{j} = coopLoadT<coop_mat8x8<f16, B>>(&piece_b[at_b + {d}u * TILE * EDGE + {j}u * TILE], EDGE);
                //@end
                //@for i=0..4
                let a{i} = coopLoadT<coop_mat8x8<f16, A>>(&piece_a[at_a + {i}u * TILE * DEPTH + {d}u * TILE], DEPTH);
                //@for j=0..4
                sum{i}_{j} = coopMultiplyAdd(a{i}, b{j}, sum{i}_{j});
                //@end
                //@end
            }
            //@end
            workgroupBarrier();
        }
        let count = min(subgroups, 4u - first);
        let width = SIDE;
        //@for i=0..4
        //@for j=0..4
        let to{i}_{j} = area * TILE * SIDE + {j}u * TILE;
        coopStoreT(sum{i}_{j}, &strips[to{i}_{j}], width);
        //@end
        workgroupBarrier();
        bring_out(group, first, count, {i}u, lane);
        workgroupBarrier();
        //@end
    }
}
