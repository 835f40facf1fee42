// A group of 128 threads computes a 64 × 64 block of c in quarters of 32 × 32, each by one subgroup through cooperative
// matrices. Here is what all threads do for that: 16 columns of a and 16 rows of b go into workgroup memory as 16-bit
// floats, with 0 beyond the edges, and sums come out through it, TILE rows of each quarter at a time, since elsewhere
// nobody knows which thread holds which element of such a matrix.
//
// How many subgroups there are is the adapter's affair: a round is as many quarters as there are subgroups. All take part in
// everything, since an operation on such a matrix must be reached by all.
const EDGE: u32 = 64u;
const DEPTH: u32 = 16u;
const SIDE: u32 = 32u;
const LANES: u32 = 128u;
var<workgroup> piece_a: array<f16, EDGE * DEPTH>;
var<workgroup> piece_b: array<f16, DEPTH * EDGE>;
var<workgroup> strips: array<f32, 5u * TILE * SIDE>;

fn copy_pieces(row: u32, column: u32, k: u32, end: u32, lane: u32) {
    let m = size_m();
    for (var e = lane; e < EDGE * DEPTH; e += LANES) {
        let of_a = place_a(e);
        var left = 0.0;
        if (row + of_a.x < m && k + of_a.y < end) {
            left = load_a(row + of_a.x, k + of_a.y);
        }
        piece_a[of_a.x * DEPTH + of_a.y] = f16(left);
        let of_b = place_b(e);
        var right = 0.0;
        if (column + of_b.x < args.n && k + of_b.y < end) {
            right = load_b(k + of_b.y, column + of_b.x);
        }
        piece_b[of_b.y * EDGE + of_b.x] = f16(right);
    }
}

// Stores strip number `strip` of `count` quarters, the first of which is number `first`.
fn bring_out(group: vec3u, first: u32, count: u32, strip: u32, lane: u32) {
    let m = size_m();
    for (var e = lane; e < count * TILE * SIDE; e += LANES) {
        let quarter = first + e / (TILE * SIDE);
        let i = group.y * EDGE + quarter / 2u * SIDE + strip * TILE + e / SIDE % TILE;
        let j = group.x * EDGE + quarter % 2u * SIDE + e % SIDE;
        if (i < m && j < args.n) {
            store(group.z, i, j, strips[e]);
        }
    }
}
