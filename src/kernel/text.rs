//! WGSL joined from parts, with marked lines repeated.
//!
//! A block between `//@for x=0..4` and `//@end` is written out once for each value, with `{x}` replaced. Values are a
//! range or a list; several names take their values in step: `//@for i,c=0:x 1:y 2:z 3:w`. Blocks nest. A line
//! `//@with NAME text` is `text` where the kernel has a function `NAME`, and nothing where not. This is all that the text of a
//! file can ask for: a register tile needs a name for each accumulator, and a block makes the names.

use super::{Access, Binding, Field, Scalar};

/// The file name of a part without a file: text that an operation generates from its declarations.
pub const GENERATED: &str = "(generated)";

/// A WGSL file that goes into a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Path of the file under `shaders/`.
    pub file: &'static str,
    /// The whole text of the file.
    pub text: &'static str,
}

impl Part {
    /// Text that an operation generates, once for each kernel.
    pub fn generated(text: String) -> Self {
        Self { file: GENERATED, text: text.leak() }
    }
}

/// The WGSL struct of the arguments, and the variables of all bindings; some hold four floats in an element.
pub fn declared(fields: &[Field], bindings: &[Binding], in_quads: impl Fn(&Binding) -> bool) -> String {
    let member = |field: &Field| {
        let of = if field.scalar == Scalar::F32 { "f32" } else { "u32" };
        format!("    {}: {of},\n", field.name)
    };
    let variable = |(i, binding): (usize, &Binding)| {
        let access = if binding.access == Access::Read { "read" } else { "read_write" };
        let of = match binding.scalar {
            Scalar::Now => "Now",
            _ if in_quads(binding) => "array<Quad>",
            Scalar::U32 => "array<u32>",
            Scalar::F32 => "array<f32>",
        };
        format!("@group(0) @binding({}) var<storage, {access}> {}: {of};\n", i + 1, binding.name)
    };
    let members: String = fields.iter().map(member).collect();
    let variables: String = bindings.iter().enumerate().map(variable).collect();
    format!("struct Args {{\n{members}}}\n@group(0) @binding(0) var<uniform> args: Args;\n{variables}")
}

/// Names the files of a kernel, in the order in which they are joined.
#[macro_export]
macro_rules! parts {
    ($($file:literal),* $(,)?) => {
        &[$($crate::part!($file)),*]
    };
}

/// One file under `shaders/`.
#[macro_export]
macro_rules! part {
    ($file:expr) => {
        $crate::kernel::Part {
            file: $file,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file)),
        }
    };
}

pub(super) fn join(parts: &[Part]) -> String {
    let text: String = parts.iter().map(|part| format!("// {}\n{}\n", part.file, part.text.trim_end())).collect();
    expand(&text)
}

/// Writes out the repeated blocks.
///
/// # Panics
/// On a block that does not end or a list that is not one: the texts are ours, and a test expands each.
pub fn expand(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let lines: Vec<String> = text.lines().filter_map(|line| with(line, text)).collect();
    expand_lines(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &mut out);
    out
}

/// The line, without the mark of one that only kernels with a function have; nothing where the kernel has it not.
fn with(line: &str, kernel: &str) -> Option<String> {
    let Some((before, marked)) = line.split_once("//@with ") else { return Some(line.to_owned()) };
    let (name, rest) = marked.split_once(' ').unwrap_or_else(|| panic!("{line}: no name"));
    kernel.contains(&format!("fn {name}(")).then(|| format!("{before}{rest}"))
}

fn expand_lines(lines: &[&str], out: &mut String) {
    let mut at = 0;
    while at < lines.len() {
        let Some(head) = lines[at].trim_start().strip_prefix("//@for ") else {
            out.push_str(lines[at]);
            out.push('\n');
            at += 1;
            continue;
        };
        let end = at + 1 + block_length(&lines[at + 1..]);
        for row in values(head) {
            let body: Vec<String> = lines[at + 1..end].iter().map(|line| fill(line, &row)).collect();
            expand_lines(&body.iter().map(String::as_str).collect::<Vec<_>>(), out);
        }
        at = end + 1;
    }
}

/// Lines before the `//@end` that belongs to a block whose first line is `lines[0]`.
fn block_length(lines: &[&str]) -> usize {
    let mut depth = 1;
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_start();
        depth += i32::from(line.starts_with("//@for ")) - i32::from(line.starts_with("//@end"));
        if depth == 0 {
            return i;
        }
    }
    panic!("a //@for block has no //@end");
}

/// The rows of (name, value) of a head such as `i=0..4` or `i,c=0:x 1:y`.
fn values(head: &str) -> Vec<Vec<(String, String)>> {
    let (names, list) = head.split_once('=').unwrap_or_else(|| panic!("//@for {head}: no list"));
    let list = list.trim();
    if let Some((from, to)) = list.split_once("..") {
        let number = |s: &str| s.trim().parse::<usize>().unwrap_or_else(|_| panic!("//@for {head}: no range"));
        return (number(from)..number(to)).map(|v| vec![(names.trim().to_owned(), v.to_string())]).collect();
    }
    list.split_whitespace()
        .map(|row| names.split(',').map(|n| n.trim().to_owned()).zip(row.split(':').map(str::to_owned)).collect())
        .collect()
}

fn fill(line: &str, row: &[(String, String)]) -> String {
    row.iter().fold(line.to_owned(), |line, (name, value)| line.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn blocks_repeat_nest_and_take_lists_in_step() {
        assert_eq!(expand("fn a() {}\n  //@with a a();\n  //@with b b();\nc"), "fn a() {}\n  a();\nc\n");
        let text = "a\n//@for i=0..2\n//@for j,c=0:x 1:y\nv{i}_{j} = {c};\n//@end\n//@end\nb";
        assert_eq!(expand(text), "a\nv0_0 = x;\nv0_1 = y;\nv1_0 = x;\nv1_1 = y;\nb\n");
    }

    #[test]
    #[should_panic(expected = "no //@end")]
    fn an_open_block_is_a_fault() {
        expand("//@for i=0..2\na");
    }
}
