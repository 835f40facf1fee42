// Every mᵢ is even, so that dy can be read two at a time. The load alone is chosen: a loop for each product would take a
// driver three times as long to compile.
//@for j,a=0:1 1:3 2:5
@group(0) @binding({a}) var<storage, read> dy{j}: array<u64>;
//@end

fn load_pair(job: u32, i: u32) -> vec2f {
    switch job {
        case 0u: { return pair(dy0[i]); }
        case 1u: { return pair(dy1[i]); }
        default: { return pair(dy2[i]); }
    }
}

// Elements i, which is even, to i + 3 of a dy that ends with element `last`.
fn load_dy(job: u32, i: u32, last: u32) -> vec4f {
    return vec4f(load_pair(job, i / 2u), load_pair(job, min(i + 2u, last) / 2u));
}
