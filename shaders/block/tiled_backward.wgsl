// A group computes 8 columns of all rows, 128 rows at a time: the picture is that of tiled_forward.wgsl, with dy in the
// place of x and rows of V in the place of columns of Wᵀ.
const ROWS: u32 = 128u;
const DEPTH: u32 = 16u;
const STRIDE: u32 = ROWS + 1u;
var<workgroup> tile_dy: array<f32, STRIDE * DEPTH>;
var<workgroup> tile_v: array<vec4f, 2u * DEPTH>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    //@with column_sum thread = lane;
    let depth = unfolded(args.k);
    let quads = quads_of_row();
    let quad = group.x * 2u + lane % 2u;
    let column = min(quad, quads - 1u) * 4u;
    let own = lane / 2u;
    // As in tiled_forward.wgsl.
    let first = select(now.rows, own, quad < quads);
    //@with set_present set_present(args.n - column);
    for (var row = 0u; row < now.rows; row += ROWS) {
        var sum = vec4f(0.0);
        for (var k = 0u; k < depth; k += DEPTH) {
            for (var e = lane; e < ROWS * DEPTH; e += 256u) {
                let r = e / DEPTH;
                let d = e % DEPTH;
                var value = 0.0;
                if (row + r < now.rows && k + d < depth) {
                    value = dy[(row + r) * depth + k + d];
                }
                tile_dy[d * STRIDE + r] = value;
            }
            if (lane < 2u * DEPTH) {
                let d = lane / 2u;
                var value = vec4f(0.0);
                if (k + d < depth) {
                    value = v_at((k + d) * args.n + column);
                }
                tile_v[lane] = value;
            }
            workgroupBarrier();
            for (var d = 0u; d < DEPTH; d++) {
                sum += tile_dy[d * STRIDE + own] * tile_v[d * 2u + lane % 2u];
            }
            workgroupBarrier();
        }
        if (row + first < now.rows) {
            dz_keep((row + first) * args.n + column, sum);
        }
    }
    finish(column, first, ROWS);
}
