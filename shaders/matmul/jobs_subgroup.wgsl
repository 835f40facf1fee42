// For drivers that run on a CPU: as subgroup_tn.wgsl, one subgroup of 8 lanes and 16 rows × 64 columns to a group; each
// product has a body of its own, for a choice within the loop would cost more than the loop. n is a multiple of four.
//@for j,a,b=0:1:2 1:3:4 2:5:6
@group(0) @binding({a}) var<storage, read> dy{j}: array<vec4f>;
@group(0) @binding({b}) var<storage, read> x{j}: array<vec4f>;

// Four neighbours from any element on; what lies beyond the last row is not used.
fn four{j}(e: u32) -> vec4f {
    let low = dy{j}[e / 4u];
    let high = dy{j}[min(e / 4u + 1u, (now.rows * args.m{j} - 1u) / 4u)];
    let one = select(low, vec4f(low.yzw, high.x), e % 4u == 1u);
    let two = select(one, vec4f(low.zw, high.xy), e % 4u == 2u);
    return select(two, vec4f(low.w, high.xyz), e % 4u == 3u);
}
//@end

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
    //@for j,next=0:args.first1 1:args.first2 2:0xffffffffu
    if (group.x >= args.first{j} && group.x < {next}) {
        let m = args.m{j};
        let n4 = args.n{j} / 4u;
        let across = (n4 + 15u) / 16u;
        let row = (group.x - args.first{j}) / across * 16u;
        let quad = (group.x - args.first{j}) % across * 16u + lane;
        let near = min(quad, n4 - 1u);
        let far = min(quad + 8u, n4 - 1u);
        // Columns of dy that this lane loads; those from m on are not stored.
        let own = min(row + lane % 4u * 4u, m - 1u);
        //@for q=0..4
        //@for c=x y z w
        var left{q}{c} = vec4f(0.0);
        var right{q}{c} = vec4f(0.0);
        //@end
        //@end
        for (var k = 0u; k < now.rows; k += 4u) {
            let a0 = four{j}(min(k + lane / 4u, now.rows - 1u) * m + own);
            let a1 = four{j}(min(k + lane / 4u + 2u, now.rows - 1u) * m + own);
            //@for d,s,l=0:a0:0 1:a0:4 2:a1:0 3:a1:4
            if (k + {d}u < now.rows) {
                let b0 = x{j}[(k + {d}u) * n4 + near];
                let b1 = x{j}[(k + {d}u) * n4 + far];
                //@for q=0..4
                //@for c=x y z w
                {
                    let v = subgroupBroadcast({s}.{c}, {l}u + {q}u);
                    left{q}{c} += v * b0;
                    right{q}{c} += v * b1;
                }
                //@end
                //@end
            }
            //@end
        }
        //@for q=0..4
        //@for i,c=0:x 1:y 2:z 3:w
        if (row + {q}u * 4u + {i}u < m) {
            let at = args.weight{j} + ((row + {q}u * 4u + {i}u) * n4 + quad) * 4u;
            //@for e,f=0:x 1:y 2:z 3:w
            if (quad < n4) {
                grads[at + {e}u] = left{q}{c}.{f};
            }
            if (quad + 8u < n4) {
                grads[at + 32u + {e}u] = right{q}{c}.{f};
            }
            //@end
        }
        //@end
        //@end
        if (quad < 8u && unfolded(args.bias{j}) < NO_BIAS - 1u) {
            //@for o=0u 8u
            if (row + lane + {o} < m) {
                var sum = 0.0;
                for (var k = 0u; k < now.rows; k++) {
                    sum += four{j}(k * m + row + lane + {o}).x;
                }
                grads[args.bias{j} + row + lane + {o}] = sum;
            }
            //@end
        }
    }
    //@end
}
