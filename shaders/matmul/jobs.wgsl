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
@group(0) @binding(7) var<storage, read> now: Now;
