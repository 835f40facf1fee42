//! Kernels with the threads of each group numbered backwards: with all its barriers a kernel does not notice, while a
//! driver that runs threads in order hides where one misses, or where two threads write one word.

use wgrad::kernel::{Kernel, Part};

/// The text of a kernel that numbers its threads by `lane` alone and has groups of more than one; `None` of another.
pub fn reversed(text: &str) -> Option<String> {
    let given = "@builtin(local_invocation_index) lane: u32";
    if text.contains("subgroup") || text.contains("local_invocation_id") || !text.contains(given) {
        return None;
    }
    let size = text.split("@workgroup_size(").nth(1)?.split(')').next()?;
    let (head, main) = text.split_at(text.find(given)?);
    let main = main.replacen(given, "@builtin(local_invocation_index) lane_given: u32", 1);
    let (arguments, body) = main.split_at(main.find('{')? + 1);
    Some(format!("{head}{arguments}\n    let lane = u32({size}) - 1u - lane_given;{body}"))
}

/// A kernel with another text, under a name of its own as pipelines are kept by name.
pub fn with_text(kernel: &Kernel, name: String, text: String) -> &'static Kernel {
    let parts = vec![Part { file: "changed.wgsl", text: text.leak() }].leak();
    let &Kernel { args, bindings, needs, tolerance, twin, fast, .. } = kernel;
    Box::leak(Box::new(Kernel { name: name.leak(), parts, args, bindings, needs, tolerance, twin, fast }))
}
