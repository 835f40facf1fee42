// A group computes a 128 × 128 tile of c; each of its 256 threads four blocks of 4 × 4 of it, in registers.
//
//               16             64     64
//            ┌──────┐     ┌──────┬──────┐     Per round, half of the threads copy 16 columns of a into workgroup memory and
//         64 │      │  16 │      │      │     half 16 rows of b: each a block of 4 × 4, by four loads of 16 bytes, turned
//            ├  a   ┤     │     b│      │     where memory lies along k, so that a column of a and a row of b are 32
//         64 │      │     └──────┴──────┘     vectors there. Then every thread adds 16 outer products of 8 values of a
//            └──────┘                         with 8 values of b.
// Thread t: rows 4 (t / 16) and columns 4 (t % 16) onwards, of both halves of 64. Each stride of a and b is a multiple of four.
// Such tiles fill the device, so their sums are never split.
const TILE: u32 = 128u;
const QUADS: u32 = 32u;
const DEPTH: u32 = 16u;
var<workgroup> tile_a: array<vec4f, QUADS * DEPTH>;
var<workgroup> tile_b: array<vec4f, QUADS * DEPTH>;

// Row i of the block of a at a row of c and a k; 0 where there is no such k. What lies beyond the last row of c is not stored.
fn row_of_a(row: u32, k: u32, end: u32, i: u32) -> vec4f {
    if (A_ALONG_K) {
        return four_of_a(min(row + i, max(size_m(), 1u) - 1u), k, args.k);
    }
    return select(vec4f(0.0), four_of_a(min(k + i, end - 1u), row, args.m), k + i < end);
}

fn row_of_b(column: u32, k: u32, end: u32, i: u32) -> vec4f {
    if (B_ALONG_K) {
        return four_of_b(min(column + i, args.n - 1u), k, args.k);
    }
    return select(vec4f(0.0), four_of_b(min(k + i, end - 1u), column, args.n), k + i < end);
}

fn store_four(i: u32, j: u32, sums: vec4f) {
    //@for s,c=0:x 1:y 2:z 3:w
    if (j + {s}u < args.n) {
        store(0u, i, j + {s}u, sums.{c});
    }
    //@end
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let m = size_m();
    let end = size_k();
    let row = group.y * TILE;
    let column = group.x * TILE;
    // The block that this thread copies, by its place along the edge and along k. Eight threads next to each other write
    // eight vectors next to each other, and a warp reads whole lines of memory.
    let of_b = lane >= 128u;
    let turned = select(A_ALONG_K, B_ALONG_K, of_b);
    let e = lane % 128u;
    let at = select(vec2u(e % 32u, e / 32u), vec2u(e / 32u * 8u + e % 8u, e / 8u % 4u), turned);
    let i = lane / 16u;
    let j = lane % 16u;
    //@for r=0..8
    var left{r} = vec4f(0.0);
    var right{r} = vec4f(0.0);
    //@end
    for (var k = 0u; k < end; k += DEPTH) {
        var block = mat4x4f();
        //@for r=0..4
        if (of_b) {
            block[{r}] = row_of_b(column + at.x * 4u, k + at.y * 4u, end, {r}u);
        } else {
            block[{r}] = row_of_a(row + at.x * 4u, k + at.y * 4u, end, {r}u);
        }
        //@end
        if (turned) {
            block = transpose(block);
        }
        //@for r=0..4
        if (of_b) {
            tile_b[(at.y * 4u + {r}u) * QUADS + at.x] = block[{r}];
        } else {
            tile_a[(at.y * 4u + {r}u) * QUADS + at.x] = block[{r}];
        }
        //@end
        workgroupBarrier();
        for (var d = 0u; d < DEPTH * QUADS; d += QUADS) {
            let a0 = tile_a[d + i];
            let a1 = tile_a[d + 16u + i];
            let b0 = tile_b[d + j];
            let b1 = tile_b[d + 16u + j];
            //@for r,v,c=0:a0:x 1:a0:y 2:a0:z 3:a0:w 4:a1:x 5:a1:y 6:a1:z 7:a1:w
            left{r} += {v}.{c} * b0;
            right{r} += {v}.{c} * b1;
            //@end
        }
        workgroupBarrier();
    }
    //@for r,from=0:0 1:1 2:2 3:3 4:64 5:65 6:66 7:67
    if (row + i * 4u + {from}u < m) {
        store_four(row + i * 4u + {from}u, column + j * 4u, left{r});
        store_four(row + i * 4u + {from}u, column + 64u + j * 4u, right{r});
    }
    //@end
}
