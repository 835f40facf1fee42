//! The ensemble file: several models that answer one question, in one safetensors file.
//!
//! The tensors of member 0 are named `members.0.0.weight` and so on. The JSON text under the key `wgrad` has `version`,
//! `average` and `members`, the description of each model. A file with one model is an ensemble of one.

use super::metadata::{Metadata, check};
use super::model::{Content, Model, ModelError, check_version, placed, write};
use crate::names::{nearest, quoted};
use crate::nn::Answer;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What the mean is taken of. Of a regression's numbers both are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Average {
    /// The probabilities of each class or label.
    #[default]
    Probabilities,
    /// The networks' outputs before softmax or sigmoid.
    Logits,
}

impl fmt::Display for Average {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if *self == Self::Logits { "logits" } else { "probabilities" })
    }
}

impl FromStr for Average {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "probabilities" => Ok(Self::Probabilities),
            "logits" => Ok(Self::Logits),
            _ => Err(format!("{name:?} is not known; {}", nearest(name, &["probabilities", "logits"]))),
        }
    }
}

/// Models that answer the same question: classes, labels or numbers of the same names, in any order, for inputs of one
/// shape and kind. Each member has its own layers and normalisation. Missing fields of tables are filled in as the first
/// member does.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    path: PathBuf,
    average: Average,
    members: Vec<Model>,
    /// How often each counts in the mean.
    counts: Vec<u32>,
}

/// What the file says of its models.
#[derive(Serialize, Deserialize)]
struct Described {
    version: u32,
    average: Average,
    /// How often each member counts in the mean; empty where each does once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<u32>,
    members: Vec<Metadata>,
}

impl Ensemble {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// Makes an ensemble of models that have descriptions, each of which counts once. The first says in which order the classes
    /// stand.
    ///
    /// # Errors
    /// A model has no description or answers another question than the first; the message names its file.
    ///
    /// # Panics
    /// There is no model.
    pub fn new(average: Average, members: Vec<Model>) -> Result<Self, ModelError> {
        let first = members.first().unwrap_or_else(|| panic!("an ensemble has members"));
        let path = first.path.clone();
        let question = first.described()?.clone();
        for member in &members[1..] {
            let misfit = |what| ModelError::Mismatch { path: member.path.clone(), what };
            agree(&question, member.described()?)
                .map_err(|what| misfit(format!("as a member of one ensemble with {}: {what}", path.display())))?;
        }
        let counts = vec![1; members.len()];
        Ok(Self { path, average, members, counts })
    }

    /// The same with member i counting `counts[i]` times in the mean. Members that count 0 times are left out, and
    /// the first that is left says in which order the classes stand.
    ///
    /// # Panics
    /// There is not one number for each member, or all are 0.
    #[must_use]
    pub fn counted(self, counts: &[u32]) -> Self {
        assert!(counts.len() == self.members.len() && counts.iter().any(|&count| count > 0), "{counts:?}");
        let kept = self.members.into_iter().zip(counts).filter(|(_, count)| **count > 0);
        let (members, counts) = kept.unzip();
        Self { members, counts, ..self }
    }

    /// Reads a file with several models or with one. What was done to the tensors comes along, in sentences.
    ///
    /// # Errors
    /// As [`Model::open`]; or the members answer different questions, or tensors belong to no member.
    pub fn open(path: &Path) -> Result<(Self, Vec<String>), ModelError> {
        let content = Content::read(path)?;
        let error = |what: String| ModelError::Metadata { path: path.into(), what };
        let json = content.text.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let Some(json) = json.filter(|json| json.get("members").is_some()) else {
            let (model, notes) = Model::of(path, content)?;
            model.described()?;
            let (average, counts) = (Average::default(), vec![1]);
            return Ok((Self { path: path.into(), average, members: vec![model], counts }, notes));
        };
        check_version(&json, Self::VERSION).map_err(error)?;
        let described: Described = serde_json::from_value(json).map_err(|e| error(e.to_string()))?;
        if described.members.is_empty() {
            return Err(error("it has no members".into()));
        }
        let counts = if described.counts.is_empty() { vec![1; described.members.len()] } else { described.counts };
        if counts.len() != described.members.len() || counts.contains(&0) {
            return Err(error("it does not say of each member how often it counts".into()));
        }
        let mut of_member = vec![BTreeMap::new(); described.members.len()];
        for (name, values) in content.tensors {
            let place = name.strip_prefix("members.").and_then(|rest| rest.split_once('.'));
            let found =
                place.and_then(|(number, rest)| Some((of_member.get_mut(number.parse::<usize>().ok()?)?, rest)));
            let Some((own, rest)) = found else {
                return Err(error(format!("its tensor {} belongs to none of its members", quoted(&name))));
            };
            own.insert(rest.to_owned(), values);
        }
        for (number, metadata) in described.members.iter().enumerate() {
            check(metadata).map_err(|what| error(format!("of member {number}: {what}")))?;
            agree(&described.members[0], metadata).map_err(|what| error(format!("of member {number}: {what}")))?;
        }
        let member = |(metadata, tensors)| Model { path: path.into(), metadata: Some(metadata), tensors };
        let members = described.members.into_iter().zip(of_member).map(member).collect();
        Ok((Self { path: path.into(), average: described.average, members, counts }, placed(path, content.notes)))
    }

    /// Writes the file, whole or not at all; of one member, its model file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        if let [member] = &self.members[..] {
            return member.save(path);
        }
        let members = self.members.iter().map(|member| member.described().cloned()).collect::<Result<_, _>>()?;
        let counts = if self.counts.iter().all(|&count| count == 1) { vec![] } else { self.counts.clone() };
        let described = Described { version: Self::VERSION, average: self.average, counts, members };
        let tensors = self.members.iter().enumerate().flat_map(|(number, member)| {
            member.tensors.iter().map(move |(name, values)| (format!("members.{number}.{name}"), values))
        });
        write(path.as_ref(), tensors, serde_json::to_string(&described).map(Some))
    }

    /// Where it came from, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the mean is taken of.
    pub fn average(&self) -> Average {
        self.average
    }

    /// The models, at least one of them.
    pub fn members(&self) -> &[Model] {
        &self.members
    }

    /// How often each model counts in the mean.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The description of the first member: its classes, scale and normalisation are those of inputs and answers.
    ///
    /// # Errors
    /// There is none, which [`Ensemble::new`] and [`Ensemble::open`] refuse.
    pub fn described(&self) -> Result<&Metadata, ModelError> {
        self.members[0].described()
    }

    /// The models by themselves.
    pub fn into_members(self) -> Vec<Model> {
        self.members
    }
}

/// Says in what a model asks or answers otherwise than the first, if it does.
fn agree(first: &Metadata, other: &Metadata) -> Result<(), String> {
    let differs =
        |what: &str, own: String, wanted: String| Err(format!("its {what} is {own}, and of the first {wanted}"));
    let sizes = |meta: &Metadata| meta.input.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
    if first.input != other.input {
        return differs("input shape", sizes(other), sizes(first));
    }
    let features = [other, first].map(|meta| meta.encoding.features());
    if features[0] != features[1] {
        let [own, wanted] =
            features.map(|names| if names.is_empty() { "none".into() } else { crate::names::few(&names) });
        return differs("list of a table's features", own, wanted);
    }
    if first.framing != other.framing {
        return Err("it brings pictures to the size of its input in another way than the first".into());
    }
    if first.normalize.largest != other.normalize.largest {
        return differs("largest value", other.normalize.largest.to_string(), first.normalize.largest.to_string());
    }
    let kind = |answer: Answer| match answer {
        Answer::Class => "one class of several, by an output for each",
        Answer::Binary => "one class of two, by one output",
        Answer::Labels => "several labels",
        Answer::Numbers => "numbers",
    };
    if first.answer != other.answer {
        return differs("answer", kind(other.answer).into(), kind(first.answer).into());
    }
    let link = |meta: &Metadata| meta.problem().loss.kind().link.name;
    if link(first) != link(other) {
        return differs("output function", link(other).into(), link(first).into());
    }
    let names: HashSet<&String> = first.classes.iter().collect();
    if let Some(unknown) = other.classes.iter().find(|&name| !names.contains(name)) {
        return Err(format!("it answers {}, which the first does not", quoted(unknown)));
    }
    if first.classes.len() != other.classes.len() {
        let (own, wanted) = (other.classes.len(), first.classes.len());
        return Err(format!("it answers {own} names, and the first {wanted}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::normalization::Normalization;
    use super::super::tensors::Values;
    use super::*;
    use crate::data::Affine;
    use crate::nn::{Loss, Problem};

    fn model(names: [&str; 2], inputs: usize) -> Model {
        let problem =
            Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names: names.map(str::to_owned).into() };
        let normalize = Normalization::new("none".into(), 0.0, &Affine::none(inputs));
        let metadata = Metadata::new(vec!["linear 2".into()], vec![inputs], &problem, normalize);
        let tensors = [("0.weight".to_owned(), Values::Floats(vec![2, inputs], vec![0.5; 2 * inputs]))].into();
        Model { path: "one".into(), metadata: Some(metadata), tensors }
    }

    fn ensemble(counts: &[u32]) -> Ensemble {
        let members = vec![model(["a", "b"], 3), model(["b", "a"], 3), model(["a", "b"], 3)];
        Ensemble::new(Average::Logits, members).unwrap().counted(counts)
    }

    #[test]
    fn a_file_holds_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all.safetensors");
        for (counts, kept) in [([1, 1, 1], vec![1, 1, 1]), ([2, 0, 1], vec![2, 1])] {
            ensemble(&counts).save(&path).unwrap();
            let (read, notes) = Ensemble::open(&path).unwrap();
            assert_eq!((read.average(), read.counts(), notes.len()), (Average::Logits, &kept[..], 0));
            assert_eq!(read.members().len(), kept.len());
            assert_eq!(read.members()[1].tensors, model(["a", "b"], 3).tensors);
        }
        // One alone is a model file.
        ensemble(&[0, 3, 0]).save(&path).unwrap();
        assert_eq!(Model::read(&path).unwrap().described().unwrap().classes, ["b", "a"]);
        assert_eq!(Ensemble::open(&path).unwrap().0.counts(), [1]);
    }

    #[test]
    fn models_of_other_questions_are_refused() {
        let refusal =
            |other| Ensemble::new(Average::Logits, vec![model(["a", "b"], 3), other]).unwrap_err().to_string();
        assert!(refusal(model(["a", "c"], 3)).contains("it answers \"c\", which the first does not"));
        assert!(refusal(model(["a", "b"], 4)).contains("its input shape is 4, and of the first 3"));
        let mut binary = model(["a", "b"], 3);
        binary.metadata.as_mut().unwrap().answer = Answer::Binary;
        assert!(refusal(binary).contains("one class of two, by one output"));
    }

    #[test]
    fn damaged_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("all.safetensors");
        ensemble(&[1, 2, 1]).save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let refusal = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len());
            let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            let mut bytes = bytes.clone();
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            std::fs::write(&path, bytes).unwrap();
            Ensemble::open(&path).unwrap_err().to_string()
        };
        assert!(refusal("members.2.", "members.7.").contains("members.7.0.weight\" belongs to none of its members"));
        assert!(refusal("members.2.", "numbers.2.").contains("belongs to none of its members"));
        assert!(refusal("[1,2,1]", "[1,0,1]").contains("how often it counts"));
        assert!(refusal("[1,2,1]", "[1,21 ]").contains("how often it counts"));
        assert!(refusal("version\\\":1", "version\\\":9").contains("of version 9"));
        assert!(refusal("logits", "median").contains("unknown variant"));
    }
}
