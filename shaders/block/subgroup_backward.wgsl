// For drivers that run on a CPU: one subgroup of 8 lanes computes 64 columns of all rows, lane l columns 4 l to 4 l + 3 of
// both halves of 32. The product as in matmul/subgroup_nn.wgsl, 16 rows at a time.
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;

// Four neighbours from any element on; what lies beyond the last row is not used.
fn four(e: u32) -> vec4f {
    let low = dy[e / 4u];
    let high = dy[min(e / 4u + 1u, (now.rows * args.k - 1u) / 4u)];
    let one = select(low, vec4f(low.yzw, high.x), e % 4u == 1u);
    let two = select(one, vec4f(low.zw, high.xy), e % 4u == 2u);
    return select(two, vec4f(low.w, high.xyz), e % 4u == 3u);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    let n4 = args.n / 4u;
    let depth = unfolded(args.k);
    //@for s,o=0:0u 1:8u
    let mine{s} = group.x * 16u + lane + {o} < n4;
    let quad{s} = min(group.x * 16u + lane + {o}, n4 - 1u);
    let w{s} = args.weight / 4u + quad{s};
    //@end
    for (var row = 0u; row < now.rows; row += 16u) {
        //@for i=0..16
        var left{i} = vec4f(0.0);
        var right{i} = vec4f(0.0);
        //@end
        let row0 = min(row + lane, now.rows - 1u) * args.k;
        let row1 = min(row + lane + 8u, now.rows - 1u) * args.k;
        for (var k = 0u; k < depth; k += 4u) {
            let a0 = four(row0 + k);
            let a1 = four(row1 + k);
            //@for d,c=0:x 1:y 2:z 3:w
            if (k + {d}u < depth) {
                let b0 = params[w0 + (k + {d}u) * n4];
                let b1 = params[w1 + (k + {d}u) * n4];
                //@for i,s,l=0:a0:0 1:a0:1 2:a0:2 3:a0:3 4:a0:4 5:a0:5 6:a0:6 7:a0:7 8:a1:0 9:a1:1 10:a1:2 11:a1:3 12:a1:4 13:a1:5 14:a1:6 15:a1:7
                {
                    let v = subgroupBroadcast({s}.{c}, {l}u);
                    left{i} += v * b0;
                    right{i} += v * b1;
                }
                //@end
            }
            //@end
        }
        //@for i=0..16
        if (row + {i}u < now.rows) {
            if (mine0) {
                dz[(row + {i}u) * n4 + quad0] = left{i};
            }
            if (mine1) {
                dz[(row + {i}u) * n4 + quad1] = right{i};
            }
        }
        //@end
    }
    finish(quad0, 0u, 1u, lane, mine0);
    finish(quad1, 0u, 1u, lane, mine1);
}
