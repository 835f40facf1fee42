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
    let depth = unfolded(args.k);
    let quads = (args.n + 3u) / 4u;
    let mine = group.x * 2u + lane % 2u < quads;
    let quad = min(group.x * 2u + lane % 2u, quads - 1u);
    let count = min(4u, args.n - quad * 4u);
    let own = lane / 2u;
    for (var row = 0u; row < now.rows; row += ROWS) {
        var sum = bias_at(quad * 4u, count);
        for (var k = 0u; k < depth; k += DEPTH) {
            let d = k + lane % 4u * 4u;
            let left = min(4u, depth - min(d, depth - 1u));
            //@for e=0..2
            {
                let r = lane / 4u + {e}u * 64u;
                var value = vec4f(0.0);
                if (row + r < now.rows && d < depth) {
                    value = x_at((row + r) * depth + d, left);
                }
                //@for i,c=0:x 1:y 2:z 3:w
                tile_x[(lane % 4u * 4u + {i}u) * STRIDE + r] = value.{c};
                //@end
            }
            //@end
            if (lane < 32u) {
                let column = lane / 4u;
                var value = vec4f(0.0);
                if (group.x * 8u + column < args.n && d < depth) {
                    value = params_at(args.weight + (group.x * 8u + column) * depth + d, left);
                }
                //@for i,c=0:x 1:y 2:z 3:w
                tile_w[(lane % 4u * 4u + {i}u) * 8u + column] = value.{c};
                //@end
            }
            workgroupBarrier();
            for (var e = 0u; e < DEPTH; e++) {
                let at = e * 8u + lane % 2u * 4u;
                sum += tile_x[e * STRIDE + own] * vec4f(tile_w[at], tile_w[at + 1u], tile_w[at + 2u], tile_w[at + 3u]);
            }
            workgroupBarrier();
        }
        let i = (row + own) * args.n + quad * 4u;
        if (mine && row + own < now.rows) {
            product_keep(i, count, before(At(i, count), sum));
        }
    }
    storageBarrier();
    finish(quad, own, ROWS, lane, mine);
}
