//! One model or several as one: what each answers is brought into the order and the units of the first, and averaged.

use super::mean::Mean;
use super::predictor::{Predictor, Sampled};
use crate::data::{Affine, Values};
use crate::device::Device;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::{Average, Ensemble};
use crate::nn::{Answer, Problem, TargetScale};
use std::borrow::Cow;

/// The members of an [`Ensemble`] on a device. One alone answers as its [`Predictor`] does, to the bit.
#[derive(Debug)]
pub struct Answerer {
    members: Vec<Member>,
    mean: Mean,
    problem: Problem,
    scale: TargetScale,
}

/// A member, and how it differs from the first.
#[derive(Debug)]
struct Member {
    predictor: Predictor,
    /// For each name of the first, its place among the member's own.
    places: Vec<usize>,
    scale: TargetScale,
    /// From values normalised as by the first to values normalised as by the member, if these differ.
    renormalize: Option<[Affine; 2]>,
}

impl Answerer {
    /// Puts all members on a device, for inputs that are bytes, or floats that are normalised as the first member does. With
    /// a seed, they can also draw dropout's masks.
    ///
    /// # Errors
    /// A member does not fit the network that it describes, or is to draw masks and drops nothing; the device failed.
    pub fn for_inputs(ensemble: &Ensemble, bytes: bool, masks: Option<u64>, device: &Device) -> Result<Self, Error> {
        let first = ensemble.described()?;
        let features = first.input.iter().product();
        let member = |model| {
            let predictor = Predictor::for_inputs(model, bytes, masks, device)?;
            let meta = model.described()?;
            let place = |name| meta.classes.iter().position(|own| own == name).unwrap_or_default();
            let places = first.classes.iter().map(place).collect();
            let [from, to] = [first, meta].map(|meta| meta.normalize.affine(features));
            let renormalize = (!bytes && from != to).then_some([from, to]);
            Ok(Member { predictor, places, scale: meta.scale(), renormalize })
        };
        let members = ensemble.members().iter().map(member).collect::<Result<_, Error>>()?;
        let mean = Mean { average: ensemble.average(), counts: ensemble.counts().to_vec() };
        Ok(Self { members, mean, problem: first.problem(), scale: first.scale() })
    }

    /// What the outputs say: the question of the first member.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The outputs of each member for each input, `[rows, outputs]`, in the order and the units of the first member. Of
    /// several views of each input, one after the other, they are those of the views' mean.
    ///
    /// # Errors
    /// The device failed.
    pub fn each(&mut self, inputs: &Values, views: usize) -> Result<Vec<Vec<f32>>, DeviceError> {
        self.of_members(|member| member.predictor.averaged(&member.inputs(inputs), views))
    }

    /// The outputs for each input, `[rows, outputs]`: those whose probabilities, or which themselves, are the means of the
    /// members'; of one member its own. `views` is as in [`Answerer::each`].
    ///
    /// # Errors
    /// The device failed.
    pub fn outputs(&mut self, inputs: &Values, views: usize) -> Result<Vec<f32>, DeviceError> {
        let each = self.each(inputs, views)?;
        Ok(self.averaged(&each))
    }

    /// The same of what [`Answerer::each`] gives.
    pub fn averaged(&self, each: &[Vec<f32>]) -> Vec<f32> {
        self.mean.outputs(&self.problem, &each.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// The outputs whose probabilities, or numbers, are the means of those under `count` of dropout's masks of each member.
    ///
    /// # Panics
    /// It was made without a seed for masks, or none is to be drawn.
    ///
    /// # Errors
    /// The device failed.
    pub fn masked(&mut self, inputs: &Values, count: u32) -> Result<Vec<f32>, DeviceError> {
        let mean = Mean { average: Average::Probabilities, counts: self.mean.counts.clone() };
        let each = self.of_members(|member| member.predictor.masked(&member.inputs(inputs), count))?;
        Ok(mean.outputs(&self.problem, &each.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    /// What each member answers, in the order and the units of the first.
    fn of_members(
        &mut self,
        outputs: impl Fn(&mut Member) -> Result<Vec<f32>, DeviceError>,
    ) -> Result<Vec<Vec<f32>>, DeviceError> {
        let (problem, scale) = (&self.problem, &self.scale);
        let width = problem.head().outputs;
        let member = |member: &mut Member| {
            let outputs = outputs(member)?;
            Ok(outputs.chunks(width).flat_map(|row| member.like_first(row, problem, scale)).collect())
        };
        self.members.iter_mut().map(member).collect()
    }

    /// Mean and spread over `count` of dropout's masks of each member, all taken together; see [`Predictor::sampled`].
    ///
    /// # Panics
    /// It was made without a seed for masks.
    ///
    /// # Errors
    /// The device failed.
    pub fn sampled(
        &mut self,
        inputs: &Values,
        count: u32,
        of: impl Fn(&[f32]) -> Vec<f64>,
    ) -> Result<Vec<Sampled>, DeviceError> {
        let mut each = vec![];
        for member in &mut self.members {
            let own = member.inputs(inputs).into_owned();
            let Member { predictor, places, scale, .. } = member;
            let like = |row: &[f32]| of(&like_first(row, (places, scale), &self.problem, &self.scale));
            each.push(predictor.sampled(&own, count, like)?);
        }
        let rows = each.first().map_or(0, Vec::len);
        let counts = &self.mean.counts;
        let of_row = |row: usize| each.iter().map(|of| &of[row]).zip(counts.iter().copied()).collect::<Vec<_>>();
        Ok((0..rows).map(|row| together(&of_row(row), f64::from(count))).collect())
    }
}

impl Member {
    /// The inputs as the member takes them. The way over the data's units is in float64.
    fn inputs<'a>(&self, inputs: &'a Values) -> Cow<'a, Values> {
        let (Some([from, to]), Values::Floats(values)) = (&self.renormalize, inputs) else {
            return Cow::Borrowed(inputs);
        };
        let features = from.offset.len();
        let own = |(at, &value): (usize, &f32)| {
            let j = at % features;
            to.apply(j, f64::from(value) / from.factor[j] + from.offset[j]) as f32
        };
        Cow::Owned(Values::Floats(values.iter().enumerate().map(own).collect()))
    }

    fn like_first(&self, row: &[f32], problem: &Problem, scale: &TargetScale) -> Vec<f32> {
        like_first(row, (&self.places, &self.scale), problem, scale)
    }
}

/// A row of a member's outputs, given its places and scale, in the order and the units of the first member.
fn like_first(
    row: &[f32],
    (places, own): (&[usize], &TargetScale),
    problem: &Problem,
    scale: &TargetScale,
) -> Vec<f32> {
    match problem.answer {
        // One output says how likely the second class is.
        Answer::Binary if places == [1, 0] && problem.loss.kind().link.gives_probabilities => vec![-row[0]],
        Answer::Binary if places == [1, 0] => vec![1.0 - row[0]],
        Answer::Binary => row.to_vec(),
        Answer::Numbers if own != scale => {
            places.iter().enumerate().map(|(j, &place)| scale.scaled(j, own.original(place, row[place]))).collect()
        }
        _ => places.iter().map(|&place| row[place]).collect(),
    }
}

/// Mean and deviation of `samples` of each of several, of which these are the means and deviations; each counts so many times.
fn together(each: &[(&Sampled, u32)], samples: f64) -> Sampled {
    if let [(one, _)] = each {
        return (*one).clone();
    }
    let counted = || each.iter().map(|&(of, count)| (of, f64::from(count)));
    let k: f64 = counted().map(|(_, count)| count).sum();
    let width = each.first().map_or(0, |(of, _)| of.mean.len());
    let mean: Vec<f64> = (0..width).map(|j| counted().map(|(of, count)| count * of.mean[j]).sum::<f64>() / k).collect();
    let squares = |j: usize| {
        let own = |of: &Sampled| (samples - 1.0) * of.deviation[j].powi(2) + samples * (of.mean[j] - mean[j]).powi(2);
        counted().map(|(of, count)| count * own(of)).sum::<f64>()
    };
    let deviation = (0..width).map(|j| (squares(j) / (k * samples - 1.0)).sqrt()).collect();
    Sampled { mean, deviation }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both samples of 1, 3 and of 5, 7: mean 4, squared distances 9 + 1 + 1 + 9 over 3. With the first twice: mean 10/3,
    /// squared distances 2 (49/9 + 1/9) + 25/9 + 121/9 over 5.
    #[test]
    fn masks_of_all_members_are_taken_together() {
        let of = |mean| Sampled { mean: vec![mean], deviation: vec![2f64.sqrt()] };
        let (two, six) = (of(2.0), of(6.0));
        let Sampled { mean, deviation } = together(&[(&two, 1), (&six, 1)], 2.0);
        assert!((mean[0] - 4.0).abs() < 1e-12 && (deviation[0] - (20.0f64 / 3.0).sqrt()).abs() < 1e-12);
        let Sampled { mean, deviation } = together(&[(&two, 2), (&six, 1)], 2.0);
        assert!((mean[0] - 10.0 / 3.0).abs() < 1e-12 && (deviation[0] - (246.0f64 / 45.0).sqrt()).abs() < 1e-12);
    }
}
