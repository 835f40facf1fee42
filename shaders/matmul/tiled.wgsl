// A group computes a 64 × 64 tile of c; each of its 256 threads 4 × 4 of it, in registers.
//
//              16            64              Per round, the group copies 16 columns of a and 16 rows of b into
//            ┌────┐     ┌───────────┐        workgroup memory (each thread 4 + 4 elements), then every thread adds
//         64 │ a  │  16 │     b     │        16 outer products of 4 values of a with 4 values of b.
//            └────┘     └───────────┘        Thread t: rows 4 (t / 16) and columns 4 (t % 16) onwards.
const TILE: u32 = 64u;
const DEPTH: u32 = 16u;
var<workgroup> tile_a: array<f32, TILE * DEPTH>;
var<workgroup> tile_b: array<f32, TILE * DEPTH>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let m = size_m();
    let begin = group.z * args.part;
    let end = min(size_k(), begin + args.part);
    let row = group.y * TILE;
    let column = group.x * TILE;
    let i = lane / 16u * 4u;
    let j = lane % 16u * 4u;
    //@for r=0..4
    var sum{r} = vec4f(0.0);
    //@end
    for (var k = begin; k < end; k += DEPTH) {
        //@for o=0 256 512 768
        {
            let at = place_a(lane + {o}u);
            var value = 0.0;
            if (row + at.x < m && k + at.y < end) {
                value = load_a(row + at.x, k + at.y);
            }
            tile_a[at.y * TILE + at.x] = value;
        }
        {
            let at = place_b(lane + {o}u);
            var value = 0.0;
            if (column + at.x < args.n && k + at.y < end) {
                value = load_b(k + at.y, column + at.x);
            }
            tile_b[at.y * TILE + at.x] = value;
        }
        //@end
        workgroupBarrier();
        for (var d = 0u; d < DEPTH * TILE; d += TILE) {
            let v = vec4f(tile_b[d + j], tile_b[d + j + 1u], tile_b[d + j + 2u], tile_b[d + j + 3u]);
            //@for r=0..4
            sum{r} += tile_a[d + i + {r}u] * v;
            //@end
        }
        workgroupBarrier();
    }
    //@for r=0..4
    //@for s,c=0:x 1:y 2:z 3:w
    if (row + i + {r}u < m && column + j + {s}u < args.n) {
        store(group.z, row + i + {r}u, column + j + {s}u, sum{r}.{c});
    }
    //@end
    //@end
}
