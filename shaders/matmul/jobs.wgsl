// Up to three products dWᵢ = dyᵢᵀ xᵢ over the rows of the step, and the bias gradients Σ dyᵢ, in one dispatch: groups from
// `firstᵢ` on work on product i. dyᵢ is [rows, mᵢ], xᵢ [rows, nᵢ]; dWᵢ begins in `grads` at `weightᵢ`, the bias's at
// `biasᵢ`, if it has one.
struct Args {
    //@for j=0..3
    m{j}: u32,
    n{j}: u32,
    first{j}: u32,
    weight{j}: u32,
    bias{j}: u32,
    //@end
}
const NO_BIAS: u32 = 0xffffffffu;
@group(0) @binding(0) var<uniform> args: Args;
//@for j,a=0:1 1:3 2:5
@group(0) @binding({a}) var<storage, read> dy{j}: array<f32>;
//@end
@group(0) @binding(7) var<storage, read> now: Now;

// The load alone is chosen: a loop for each product would take a driver three times as long to compile.
fn load_dy(job: u32, i: u32) -> f32 {
    switch job {
        case 0u: { return dy0[i]; }
        case 1u: { return dy1[i]; }
        default: { return dy2[i]; }
    }
}
