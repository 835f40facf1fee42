//! What a file holds, also one that another program has left: other precisions, other names, other kinds of files.

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// The content of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats with their sizes.
    Floats(Vec<usize>, Vec<f32>),
    /// A single count, as PyTorch's `num_batches_tracked`.
    Count(i64),
}

impl Values {
    /// The sizes of floats.
    pub fn sizes(&self) -> Option<&[usize]> {
        match self {
            Self::Floats(sizes, _) => Some(sizes),
            Self::Count(_) => None,
        }
    }

    /// The first number that is not finite.
    pub fn not_finite(&self) -> Option<f32> {
        match self {
            Self::Floats(_, values) => values.iter().copied().find(|value| !value.is_finite()),
            Self::Count(_) => None,
        }
    }
}

/// What wrappers of PyTorch put before the name of every tensor.
const PREFIXES: [&str; 2] = ["_orig_mod.", "module."];

/// What a file is that has been found to be no safetensors file, with what to do, if it is of a kind that holds weights
/// elsewhere. (The length at the beginning of a safetensors file may look like a pickle.)
pub(super) fn recognise(path: &Path, bytes: &[u8]) -> Option<String> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let holds = |text: &[u8]| bytes[..bytes.len().min(4096)].windows(text.len()).any(|window| window == text);
    let is_zip = bytes.starts_with(b"PK\x03\x04");
    // A pickle of protocol 2 and above says so in its first two bytes.
    let is_pickle = matches!(bytes, [0x80, 2..=5, ..]);
    if is_pickle || (is_zip && (holds(b".pkl") || matches!(ending.as_str(), "pt" | "pth" | "bin" | "ckpt"))) {
        return Some(format!("one of torch.save (Python's pickle): convert it in Python with {}", conversion(path)));
    }
    let what = match bytes {
        _ if is_zip && (ending == "npz" || holds(b".npy")) => "an archive of NumPy arrays",
        _ if is_zip => "a zip archive",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file, as Keras writes them",
        [b'G', b'G', b'U', b'F', ..] => "a GGUF file",
        _ if ending == "onnx" => "an ONNX file",
        _ => return None,
    };
    Some(format!("{what}, which is not read: save the weights with the Python package safetensors"))
}

/// The line of Python that makes a safetensors file of a file of `torch.save`.
fn conversion(path: &Path) -> String {
    let (from, to) = (path.display().to_string(), path.with_extension("safetensors").display().to_string());
    format!(
        "import torch; from safetensors.torch import save_file; save_file({{k: v.clone().contiguous() for k, v in \
         torch.load({from:?}, map_location=\"cpu\", weights_only=True).items()}}, {to:?})"
    )
}

/// All tensors as this program has them, and what was done to them, in sentences.
pub(super) fn read(file: &SafeTensors<'_>) -> Result<(BTreeMap<String, Values>, Vec<String>), String> {
    let (mut all, mut taken) = (BTreeMap::new(), [0usize; 3]);
    let views = file.tensors();
    let starts = |prefix: &&str| views.iter().all(|(name, _)| name.starts_with(*prefix));
    let prefix = PREFIXES.into_iter().find(starts).filter(|_| !views.is_empty()).unwrap_or("");
    for (name, view) in &views {
        let (values, of) = values(view).map_err(|what| format!("tensor {name} {what}"))?;
        if let Some(of) = of {
            taken[of] += 1;
        }
        all.insert(name[prefix.len()..].to_owned(), values);
    }
    let mut notes = vec![];
    for (count, kind) in taken.into_iter().zip(["float16", "bfloat16", "float64"]).filter(|(count, _)| *count > 0) {
        let tensors = if count == 1 { "tensor" } else { "tensors" };
        let done = if kind == "float64" { "rounded to float32" } else { "taken as float32, which holds it exactly" };
        notes.push(format!("{count} {tensors} of {kind} {done}"));
    }
    if !prefix.is_empty() {
        notes.push(format!("{prefix:?} left out of the names of all tensors"));
    }
    Ok((all, notes))
}

/// The content of a tensor, and which of float16, bfloat16 and float64 it was, if it was one of these.
fn values(view: &TensorView<'_>) -> Result<(Values, Option<usize>), String> {
    let (bytes, shape) = (view.data(), view.shape().to_vec());
    let halves = |of: fn([u8; 2]) -> f32| bytes.chunks_exact(2).map(|b| of([b[0], b[1]])).collect();
    match (view.dtype(), view.shape()) {
        (Dtype::F32, _) => {
            let floats = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            Ok((Values::Floats(shape, floats.collect()), None))
        }
        (Dtype::F16, _) => Ok((Values::Floats(shape, halves(|b| f16::from_le_bytes(b).to_f32())), Some(0))),
        (Dtype::BF16, _) => Ok((Values::Floats(shape, halves(|b| bf16::from_le_bytes(b).to_f32())), Some(1))),
        (Dtype::F64, _) => {
            let mut floats = Vec::with_capacity(bytes.len() / 8);
            for b in bytes.chunks_exact(8) {
                let value = f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
                let rounded = value as f32;
                if value.is_finite() && !rounded.is_finite() {
                    return Err(format!("holds {value:e}, which float32 cannot"));
                }
                floats.push(rounded);
            }
            Ok((Values::Floats(shape, floats), Some(2)))
        }
        (Dtype::I64, []) => {
            let count = bytes.try_into().map_err(|_| "has no whole count".to_owned())?;
            Ok((Values::Count(i64::from_le_bytes(count)), None))
        }
        (dtype, shape) => {
            Err(format!("is {dtype:?} {shape:?}: wgrad reads tensors of F32, F16, BF16 and F64, and counts of I64"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn made(tensors: &[(&str, Dtype, Vec<u8>)]) -> Result<(BTreeMap<String, Values>, Vec<String>), String> {
        let size = |dtype: Dtype| if dtype == Dtype::F64 { 8 } else { 2 };
        let views = tensors.iter().map(|(name, dtype, bytes)| {
            (*name, TensorView::new(*dtype, vec![bytes.len() / size(*dtype)], bytes).unwrap())
        });
        let bytes = safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap();
        read(&SafeTensors::deserialize(&bytes).unwrap())
    }

    /// Numbers and their bits from IEEE 754: 1, −2, the smallest float16 and infinity; in bfloat16 1, −2, 1e38 and NaN.
    #[test]
    fn other_precisions_are_taken_exactly_or_rounded() {
        let half = [0x3c00u16, 0xc000, 0x0001, 0x7c00].map(u16::to_le_bytes).concat();
        let brain = [0x3f80u16, 0xc000, 0x7e96, 0x7fc0].map(u16::to_le_bytes).concat();
        let double = [1.0f64, 0.1, -1e-50].map(f64::to_le_bytes).concat();
        let (found, notes) =
            made(&[("a", Dtype::F16, half), ("b", Dtype::BF16, brain), ("c", Dtype::F64, double)]).unwrap();
        let floats = |name: &str| match &found[name] {
            Values::Floats(_, values) => values.clone(),
            Values::Count(_) => panic!("{name}"),
        };
        assert_eq!(floats("a"), [1.0, -2.0, 2f32.powi(-24), f32::INFINITY]);
        assert_eq!(floats("b")[..3], [1.0, -2.0, f32::from_bits(0x7e96_0000)]);
        assert!(floats("b")[3].is_nan());
        assert_eq!(floats("c"), [1.0, 0.1, -0.0]);
        assert_eq!(notes.len(), 3);
        assert!(notes[2].contains("1 tensor of float64 rounded to float32"), "{notes:?}");
        let large = made(&[("c", Dtype::F64, 1e39f64.to_le_bytes().to_vec())]).unwrap_err();
        assert!(large.contains("tensor c holds 1e39"), "{large}");
    }

    #[test]
    fn the_prefix_of_a_wrapper_is_left_out_where_all_have_it() {
        let one = || 1.0f64.to_le_bytes().to_vec();
        let names = |tensors: &[(&str, Dtype, Vec<u8>)]| made(tensors).unwrap().0.into_keys().collect::<Vec<_>>();
        assert_eq!(names(&[("module.0.weight", Dtype::F64, one())]), ["0.weight"]);
        let mixed = [("module.0.weight", Dtype::F64, one()), ("1.weight", Dtype::F64, one())];
        assert_eq!(names(&mixed), ["1.weight", "module.0.weight"]);
    }

    #[test]
    fn files_of_other_kinds_are_named() {
        let is = |name: &str, bytes: &[u8]| recognise(Path::new(name), bytes).unwrap_or_default();
        let pickled = [
            is("net.pt", b"PK\x03\x04..archive/data.pkl"),
            is("net.pth", b"PK\x03\x04"),
            is("net.safetensors", b"\x80\x02\x8a\x0a"),
        ];
        for what in pickled {
            assert!(what.contains("torch.save") && what.contains("save_file(") && what.contains("\"net."), "{what}");
        }
        assert!(is("a.npz", b"PK\x03\x04a.npy").contains("NumPy") && is("a", b"PK\x03\x04").contains("zip archive"));
        assert!(is("a.h5", b"\x89HDF\r\n").contains("Keras") && is("a.onnx", b"\x08\x07").contains("ONNX"));
        assert_eq!(is("a.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\""), "");
    }
}
