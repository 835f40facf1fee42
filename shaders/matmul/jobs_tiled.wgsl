// As tiled.wgsl, whose picture is that of this: the group finds its product, then 64 × 64 of it.
//@for j,a,b=0:1:2 1:3:4 2:5:6
@group(0) @binding({a}) var<storage, read> dy{j}: array<f32>;
@group(0) @binding({b}) var<storage, read> x{j}: array<f32>;
//@end
@group(0) @binding(8) var<storage, read_write> grads: array<f32>;
const TILE: u32 = 64u;
const DEPTH: u32 = 16u;
var<workgroup> tile_a: array<f32, TILE * DEPTH>;
var<workgroup> tile_b: array<f32, TILE * DEPTH>;

fn load_dy(job: u32, i: u32) -> f32 {
    switch job {
        case 0u: { return dy0[i]; }
        case 1u: { return dy1[i]; }
        default: { return dy2[i]; }
    }
}

fn load_x(job: u32, i: u32) -> f32 {
    switch job {
        case 0u: { return x0[i]; }
        case 1u: { return x1[i]; }
        default: { return x2[i]; }
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var job = 0u;
    var m = args.m0;
    var n = args.n0;
    var first = args.first0;
    var weight = args.weight0;
    var bias = args.bias0;
    //@for j=1 2
    if (group.x >= args.first{j}) {
        job = {j}u;
        m = args.m{j};
        n = args.n{j};
        first = args.first{j};
        weight = args.weight{j};
        bias = args.bias{j};
    }
    //@end
    let across = max((n + TILE - 1u) / TILE, 1u);
    // Of a layer without columns, only the bias's gradient is wanted.
    let rows = select(now.rows, 0u, n == 0u);
    let row = (group.x - first) / across * TILE;
    let column = (group.x - first) % across * TILE;
    let i = lane / 16u * 4u;
    let j = lane % 16u * 4u;
    //@for r=0..4
    var sum{r} = vec4f(0.0);
    //@end
    for (var k = 0u; k < rows; k += DEPTH) {
        //@for o=0 256 512 768
        {
            let at = lane + {o}u;
            let d = at / TILE;
            let edge = at % TILE;
            var a = 0.0;
            var b = 0.0;
            if (k + d < rows && row + edge < m) {
                a = load_dy(job, (k + d) * m + row + edge);
            }
            if (k + d < rows && column + edge < n) {
                b = load_x(job, (k + d) * n + column + edge);
            }
            tile_a[at] = a;
            tile_b[at] = b;
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
    if (row + i + {r}u < m && column + j + {s}u < n) {
        grads[weight + (row + i + {r}u) * n + column + j + {s}u] = sum{r}.{c};
    }
    //@end
    //@end
    if (column == 0u && bias != NO_BIAS && lane < TILE && row + lane < m) {
        var sum = 0.0;
        for (var k = 0u; k < now.rows; k++) {
            sum += load_dy(job, k * m + row + lane);
        }
        grads[bias + row + lane] = sum;
    }
}
