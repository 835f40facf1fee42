// As jobs_x_quads.wgsl, for any number of columns.
//@for j,b=0:2 1:4 2:6
@group(0) @binding({b}) var<storage, read> x{j}: array<f32>;
//@end
@group(0) @binding(8) var<storage, read_write> grads: array<f32>;

fn load_word(job: u32, i: u32) -> f32 {
    switch job {
        case 0u: { return x0[i]; }
        case 1u: { return x1[i]; }
        default: { return x2[i]; }
    }
}

fn load_x(job: u32, i: u32, count: u32) -> vec4f {
    let last = i + count - 1u;
    return vec4f(load_word(job, i), load_word(job, min(i + 1u, last)), load_word(job, min(i + 2u, last)),
        load_word(job, min(i + 3u, last)));
}

fn keep(i: u32, count: u32, v: vec4f) {
    grads[i] = v.x;
    //@for c,j=y:1 z:2 w:3
    if (count > {j}u) {
        grads[i + {j}u] = v.{c};
    }
    //@end
}
