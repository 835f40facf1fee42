// A group computes 8 columns of all rows, 128 rows at a time, and then has what the statistics of its columns need.
//
//               16           8        Per round, the group copies 16 columns of x and of 8 rows of W into workgroup
//            ┌──────┐      ┌────┐     memory; then every thread adds 16 products of one value of x with four of W.
//        128 │  x   │   16 │ Wᵀ │     Thread t: row t / 2 of the 128, columns 4 (t % 2) onwards.
//            └──────┘      └────┘
const ROWS: u32 = 128u;
const DEPTH: u32 = 16u;
// One more than the rows: what threads write side by side then lies in different banks.
const STRIDE: u32 = ROWS + 1u;
var<workgroup> tile_x: array<f32, STRIDE * DEPTH>;
var<workgroup> tile_w: array<f32, 8u * DEPTH>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    //@with column_sum thread = lane;
    let depth = unfolded(args.k);
    let quads = quads_of_row();
    let quad = group.x * 2u + lane % 2u;
    let column = min(quad, quads - 1u) * 4u;
    let own = lane / 2u;
    // The first row that the thread stores; none of a thread without columns of its own.
    let first = select(now.rows, own, quad < quads);
    for (var row = 0u; row < now.rows; row += ROWS) {
        var sum = vec4f(0.0);
        for (var k = 0u; k < depth; k += DEPTH) {
            let d = k + lane % 4u * 4u;
            //@with set_present set_present(depth - d);
            //@for o=0 64
            {
                let r = lane / 4u + {o}u;
                var value = vec4f(0.0);
                if (row + r < now.rows && d < depth) {
                    value = x_at((row + r) * depth + d);
                }
                //@for i,c=0:x 1:y 2:z 3:w
                tile_x[(lane % 4u * 4u + {i}u) * STRIDE + r] = value.{c};
                //@end
            }
            //@end
            if (lane < 32u) {
                let of_w = group.x * 8u + lane / 4u;
                var value = vec4f(0.0);
                if (of_w < args.n && d < depth) {
                    value = params_at(args.weight + of_w * depth + d);
                }
                //@for i,c=0:x 1:y 2:z 3:w
                tile_w[(lane % 4u * 4u + {i}u) * 8u + lane / 4u] = value.{c};
                //@end
            }
            workgroupBarrier();
            for (var e = 0u; e < DEPTH; e++) {
                let at = e * 8u + lane % 2u * 4u;
                sum += tile_x[e * STRIDE + own] * vec4f(tile_w[at], tile_w[at + 1u], tile_w[at + 2u], tile_w[at + 3u]);
            }
            workgroupBarrier();
        }
        //@with set_present set_present(args.n - column);
        //@with bias_at sum += bias_at(column);
        //@with before sum = before(sum);
        if (row + first < now.rows) {
            product_keep((row + first) * args.n + column, sum);
        }
    }
    //@with statistics_keep storageBarrier();
    finish(column, first, ROWS);
}
