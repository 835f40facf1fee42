// As jobs_dy_pairs.wgsl, for any mᵢ.
//@for j,a=0:1 1:3 2:5
@group(0) @binding({a}) var<storage, read> dy{j}: array<f32>;
//@end

fn load_one(job: u32, i: u32) -> f32 {
    switch job {
        case 0u: { return dy0[i]; }
        case 1u: { return dy1[i]; }
        default: { return dy2[i]; }
    }
}

fn load_dy(job: u32, i: u32, last: u32) -> vec4f {
    return vec4f(load_one(job, i), load_one(job, min(i + 1u, last)), load_one(job, min(i + 2u, last)),
        load_one(job, min(i + 3u, last)));
}
