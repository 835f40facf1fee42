//! The model file: safetensors, weights by PyTorch's names, and in the metadata all that inference needs.
//!
//! All metadata is one JSON text under the key `wgrad`: the safetensors crate writes several keys in random order, and
//! the same run must leave the same bytes. A file without that key (from PyTorch, say) still gives its weights.

use super::metadata::{Metadata, check};
use super::tensors::{self, Values};
use super::torchvision;
use crate::files::reason;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Key of the metadata.
const KEY: &str = "wgrad";

/// Why a model cannot be read; a run folder was perhaps meant for the model in it.
fn unreadable(path: &Path, why: &std::io::Error) -> String {
    let inside = path.join("model.safetensors");
    if inside.is_file() { format!("it is a run folder, so give {}", inside.display()) } else { reason(why) }
}

/// A model file that cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// It cannot be opened.
    #[error("{path}: cannot be read: {}", unreadable(.path, .why))]
    Unreadable {
        /// The path of the model file.
        path: PathBuf,
        /// The operating system's answer.
        why: std::io::Error,
    },
    /// It cannot be written.
    #[error("{path}: cannot be written: {}", reason(.why))]
    Unwritable {
        /// The path of the model file.
        path: PathBuf,
        /// The operating system's answer.
        why: std::io::Error,
    },
    /// It is no safetensors file, or not all of one.
    #[error("{path}: is not a whole safetensors file: {what}")]
    Broken {
        /// The path of the model file.
        path: PathBuf,
        /// What is wrong with the bytes.
        what: String,
    },
    /// It is of another kind.
    #[error("{path}: is no safetensors file but {what}")]
    Format {
        /// The path of the model file.
        path: PathBuf,
        /// What it is, and how it becomes one.
        what: String,
    },
    /// Weights without a description of the network.
    #[error("{path}: was not written by wgrad: it holds weights, but not which network they are of")]
    Foreign {
        /// The path of the model file.
        path: PathBuf,
    },
    /// The description cannot be understood.
    #[error("{path}: its description of the network cannot be used: {what}")]
    Metadata {
        /// The path of the model file.
        path: PathBuf,
        /// What in the description is wrong.
        what: String,
    },
    /// Its tensors are not those of the network.
    #[error("{path}: does not fit the network: {what}")]
    Mismatch {
        /// The path of the model file.
        path: PathBuf,
        /// Which tensor, with both shapes.
        what: String,
    },
}

/// A trained network: weights by name, and a description of what they belong to.
///
/// ```
/// use wgrad::{Device, Model, Recipe, Trainer};
///
/// let recipe = Recipe { epochs: Some(1), ..Recipe::default() };
/// let mut trainer = Trainer::open(&recipe, &Device::CPU)?;
/// trainer.fit(&mut ())?;
/// let model = trainer.model()?;
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let path = folder.path().join("digits.safetensors");
/// model.save(&path)?;
/// assert_eq!(Model::read(&path)?.tensors, model.tensors);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// The description, which files of other programs lack.
    pub metadata: Option<Metadata>,
    /// The tensors by name, as in PyTorch's `state_dict`.
    pub tensors: BTreeMap<String, Values>,
}

impl Model {
    /// Reads weights, and the description where there is one. Numbers of another precision are taken as float32; what
    /// [`Model::open`] says of that is not heard.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Ok(Self::open(path)?.0)
    }

    /// Reads weights, and the description where there is one; float16 and bfloat16 are taken as float32, which holds them
    /// all, and float64 is rounded. What was done so comes along, in sentences.
    ///
    /// # Errors
    /// The file cannot be read, is broken or of another kind, or its description cannot be understood.
    pub fn open(path: &Path) -> Result<(Self, Vec<String>), ModelError> {
        Self::of(path, Content::read(path)?)
    }

    /// The same of what was read already.
    pub(super) fn of(path: &Path, content: Content) -> Result<(Self, Vec<String>), ModelError> {
        let Content { text, mut tensors, mut notes } = content;
        let metadata = text.map(|text| parse(path, &text)).transpose()?;
        if torchvision::take(&mut tensors) {
            notes
                .push("torchvision's names of a residual network taken as places in the sequence of layers".to_owned());
        }
        Ok((Self { path: path.into(), metadata, tensors }, placed(path, notes)))
    }

    /// The description that the file carries beside its tensors.
    ///
    /// # Errors
    /// The file is of another program.
    pub fn described(&self) -> Result<&Metadata, ModelError> {
        self.metadata.as_ref().ok_or_else(|| ModelError::Foreign { path: self.path.clone() })
    }

    /// The floats of a tensor.
    ///
    /// # Errors
    /// It is not there or has other sizes.
    pub fn floats(&self, name: &str, sizes: &[usize]) -> Result<&[f32], ModelError> {
        let mismatch = |what: String| ModelError::Mismatch { path: self.path.clone(), what };
        match self.tensors.get(name) {
            Some(Values::Floats(found, values)) if found == sizes => Ok(values),
            Some(Values::Floats(found, _)) => {
                Err(mismatch(format!("{name} is {found:?} in the file and {sizes:?} in the network")))
            }
            Some(Values::Count(_)) => Err(mismatch(format!("{name} is a count in the file"))),
            None => Err(mismatch(format!("the file has no tensor {name}"))),
        }
    }

    /// Drops what belongs to the run that it comes from: the state of the optimiser, progress, the best measure, and what
    /// tells the run's data.
    pub fn leave_run(&mut self) {
        self.tensors.retain(|name, _| name.split('.').next().is_some_and(|layer| layer.parse::<usize>().is_ok()));
        if let Some(metadata) = &mut self.metadata {
            (metadata.progress, metadata.fingerprint, metadata.best) = (None, None, None);
        }
    }

    /// Writes a model file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let text = self.metadata.as_ref().map(serde_json::to_string).transpose();
        write(path, self.tensors.iter().map(|(name, values)| (name.clone(), values)), text)
    }
}

/// What any safetensors file holds, with the text that this program keeps in its metadata.
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) tensors: BTreeMap<String, Values>,
    /// What was done to the tensors, in sentences.
    pub(super) notes: Vec<String>,
}

impl Content {
    /// Reads a file and what it says of itself.
    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|why| ModelError::Unreadable { path: path.into(), why })?;
        let broken = |what: String| ModelError::Broken { path: path.into(), what };
        let file = SafeTensors::deserialize(&bytes).map_err(|e| match tensors::recognise(path, &bytes) {
            Some(what) => ModelError::Format { path: path.into(), what },
            None => broken(e.to_string()),
        })?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(e.to_string()))?;
        let text = header.metadata().as_ref().and_then(|keys| keys.get(KEY)).cloned();
        let (tensors, notes) = tensors::read(&file).map_err(broken)?;
        Ok(Self { text, tensors, notes })
    }
}

/// Notes with the file that they are of.
pub(super) fn placed(path: &Path, notes: Vec<String>) -> Vec<String> {
    notes.into_iter().map(|note| format!("{}: {note}", path.display())).collect()
}

/// Writes tensors and a text, whole or not at all.
pub(super) fn write<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (String, &'a Values)>,
    text: Result<Option<String>, serde_json::Error>,
) -> Result<(), ModelError> {
    let unwritable = |why| ModelError::Unwritable { path: path.into(), why };
    let bytes = to_bytes(tensors, text).map_err(|why| unwritable(std::io::Error::other(why)))?;
    crate::files::replace(path, &bytes).map_err(unwritable)
}

fn to_bytes<'a>(
    tensors: impl Iterator<Item = (String, &'a Values)>,
    text: Result<Option<String>, serde_json::Error>,
) -> Result<Vec<u8>, String> {
    let words: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors.map(|(name, values)| flat(name, values)).collect();
    let views = words.iter().map(|(name, dtype, shape, bytes)| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name, view)).map_err(|e| e.to_string())
    });
    let views: Vec<_> = views.collect::<Result<_, _>>()?;
    let keys = text.map_err(|e| e.to_string())?.map(|text| HashMap::from([(KEY.to_owned(), text)]));
    safetensors::serialize(views, keys).map_err(|e| e.to_string())
}

fn flat(name: String, values: &Values) -> (String, Dtype, Vec<usize>, Vec<u8>) {
    match values {
        Values::Floats(shape, values) => {
            (name, Dtype::F32, shape.clone(), values.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
        Values::Count(count) => (name, Dtype::I64, vec![], count.to_le_bytes().to_vec()),
    }
}

fn parse(path: &Path, text: &str) -> Result<Metadata, ModelError> {
    let error = |what: String| ModelError::Metadata { path: path.into(), what };
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| error(e.to_string()))?;
    if json.get("members").is_some() {
        return Err(error("it is an ensemble of several models, and one model is wanted here".into()));
    }
    check_version(&json, Metadata::VERSION).map_err(error)?;
    let metadata: Metadata = serde_json::from_value(json).map_err(|e| error(e.to_string()))?;
    check(&metadata).map_err(error)?;
    Ok(metadata)
}

/// Refuses a description of another version than the one that is read.
pub(super) fn check_version(json: &serde_json::Value, read: u32) -> Result<(), String> {
    match json.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(read) => Ok(()),
        Some(version) => Err(format!("it is of version {version}, this program reads {read}")),
        None => Err("it has no version".into()),
    }
}
