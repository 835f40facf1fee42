//! How members do on the training rows that are not in their bootstrap samples.

use super::super::ensemble::members::Members;
use super::super::ensemble::rows::Rows;
use super::super::say::{note, say};
use super::super::show;
use crate::data::{self, Part};
use crate::device::Device;
use crate::error::Error;
use crate::metrics::Judgement;
use crate::nn::Answer;
use crate::run::{Mean, out_of_bag};
use crate::train::Job;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Each training row answered by the members that were not trained on it.
pub(super) struct OutOfBag {
    judgement: Judgement,
    numbers: bool,
}

impl OutOfBag {
    /// Judges members whose samples were drawn by these seeds. Nothing where all rows are in all samples, or where rows are not
    /// independent, which is said.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn of(
        job: &Job,
        members: &Members,
        seeds: &HashMap<String, u64>,
        device: &Device,
    ) -> Result<Option<Self>, Error> {
        if let Some(setting) =
            job.settings.group.as_ref().map(|_| "group").or(job.settings.time.as_ref().map(|_| "time"))
        {
            note!(
                "note: no out-of-bag error is given: with --{setting}, rows in a sample and rows out of it are not independent"
            );
            return Ok(None);
        }
        let train = &job.split.train;
        let Some(rows) = Rows::of_job(job, Part::Train) else { return Ok(None) };
        let mut answerer = members.answerer(&rows, device)?;
        let each = answerer.each(&rows.inputs, 1)?;
        let bag = |name: &String| {
            let drawn: HashSet<u32> = data::bootstrap(train, seeds[name]).into_iter().collect();
            train.iter().map(|row| drawn.contains(row)).collect()
        };
        let bags: Vec<Vec<bool>> = members.names.iter().map(bag).collect();
        let ensemble = &members.ensemble;
        let mean = Mean { average: ensemble.average(), counts: ensemble.counts().to_vec() };
        let (outputs, places) = out_of_bag(&mean, answerer.problem(), &each, &bags);
        let numbers: Vec<u32> = places.into_iter().map(|place| rows.numbers[place]).collect();
        if numbers.is_empty() {
            note!("note: no out-of-bag error is given: every training row is in all samples");
            return Ok(None);
        }
        let scale = ensemble.described()?.scale();
        let judgement = Judgement::of(answerer.problem(), &scale, &outputs, &rows.targets, &numbers);
        Ok(Some(Self { judgement, numbers: job.problem.answer == Answer::Numbers }))
    }

    pub(super) fn say(&self) {
        let Judgement { evaluation, squared_error } = &self.judgement;
        let (n, squared) = (show::thousands(evaluation.n as u64), show::number(*squared_error));
        let error =
            if self.numbers { String::new() } else { format!("error {:.2} %, ", 100.0 * self.judgement.error()) };
        say!("out of bag: {error}squared error {squared} ({n} training rows, each by the members not trained on it)");
    }

    /// `n`, `error`, `squared_error`, and `interval` of the error.
    pub(super) fn object(&self) -> Value {
        let Judgement { evaluation, squared_error } = &self.judgement;
        let interval = evaluation.interval().map(|[low, high]| [1.0 - high, 1.0 - low]);
        json!({
            "n": evaluation.n, "error": self.judgement.error(), "squared_error": squared_error, "interval": interval,
        })
    }
}
