// Every xᵢ has a multiple of four columns, and is read four at a time.
//@for j,b=0:2 1:4 2:6
@group(0) @binding({b}) var<storage, read> x{j}: array<Quad>;
//@end
@group(0) @binding(8) var<storage, read_write> grads: array<Quad>;

fn load_x(job: u32, i: u32, count: u32) -> vec4f {
    switch job {
        case 0u: { return numbers(x0[i / 4u]); }
        case 1u: { return numbers(x1[i / 4u]); }
        default: { return numbers(x2[i / 4u]); }
    }
}

// Stores `count` numbers; what lies beyond them stays as it is.
fn keep(i: u32, count: u32, v: vec4f) {
    let within = vec4u(0u, 1u, 2u, 3u) < vec4u(count);
    grads[i / 4u] = packed(select(numbers(grads[i / 4u]), v, within));
}
