// Philox 4x32-10 (Salmon et al. 2011); the same words as src/random.rs.
fn multiply_high(a: u32, b: u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let low_high = a0 * b1;
    let high_low = a1 * b0;
    let middle = ((a0 * b0) >> 16u) + (low_high & 0xffffu) + (high_low & 0xffffu);
    return a1 * b1 + (low_high >> 16u) + (high_low >> 16u) + (middle >> 16u);
}

fn philox(counter: vec4u, seed: vec2u) -> vec4u {
    var c = counter;
    var key = seed;
    // Unrolled, this would be a good part of what software drivers compile.
    let rounds = unfolded(10u);
    for (var round = 0u; round < rounds; round++) {
        c = vec4u(
            multiply_high(0xCD9E8D57u, c.z) ^ c.y ^ key.x,
            0xCD9E8D57u * c.z,
            multiply_high(0xD2511F53u, c.x) ^ c.w ^ key.y,
            0xD2511F53u * c.x,
        );
        key += vec2u(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}
