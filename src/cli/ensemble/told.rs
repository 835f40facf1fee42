//! What an ensemble says: how each member does, how all do together, and what the errors have in common.

use super::super::say::say;
use super::super::show;
use super::members::Members;
use super::rows::Rows;
use crate::device::Device;
use crate::error::Error;
use crate::metrics::{Committee, Judgement};
use crate::nn::Answer;
use serde_json::{Value, json};

/// An ensemble on rows.
pub(in crate::cli) struct Judged<'a> {
    members: &'a Members,
    rows: &'a Rows,
    committee: Committee,
}

impl<'a> Judged<'a> {
    /// Judges all members and their mean on rows.
    ///
    /// # Errors
    /// The device failed.
    pub(in crate::cli) fn new(members: &'a Members, rows: &'a Rows, device: &Device) -> Result<Self, Error> {
        let mut answerer = members.answerer(rows, device)?;
        let each = answerer.each(&rows.inputs, 1)?;
        let together = answerer.averaged(&each);
        let ensemble = &members.ensemble;
        let scale = ensemble.described()?.scale();
        let (question, answers) = ((answerer.problem(), &scale), (&each[..], ensemble.counts()));
        let committee = Committee::of(question, answers, &together, (&rows.targets, &rows.numbers));
        Ok(Self { members, rows, committee })
    }

    /// The table of the members, the line of all, and the prediction.
    pub(in crate::cli) fn say(&self) -> Result<(), Error> {
        let Committee { members, together, variance, covariance, .. } = &self.committee;
        let numbers = self.members.ensemble.described()?.answer == Answer::Numbers;
        let n = show::thousands(self.rows.numbers.len() as u64);
        say!("{}, {n} rows", self.rows.name);
        let mut table: Vec<Vec<String>> = vec![];
        for ((name, of), &count) in self.members.names.iter().zip(members).zip(self.members.ensemble.counts()) {
            let times = if count > 1 { format!("{name} ({count} times)") } else { name.clone() };
            table.push(line(times, of, numbers));
        }
        table.push(line("all together".into(), together, numbers));
        let header: &[&str] =
            if numbers { &["member", "squared error"] } else { &["member", "error", "squared error"] };
        show::table(header, &table);
        let Some(covariance) = covariance else { return Ok(()) };
        let k = self.committee.count;
        let [v, c, predicted, measured] =
            [*variance, *covariance, self.committee.predicted(), together.squared_error].map(show::number);
        say!("variance v {v} and covariance c {c} of the members' errors");
        say!("v/k + (k-1)c/k with k = {k}: {predicted}; measured: {measured}");
        Ok(())
    }

    /// `data`, `n`, `members` (`model`, `count`, `error`, `squared_error`), `error`, `squared_error`, `interval` of the error,
    /// `error_variance` and `error_covariance` (v and c), `predicted`.
    pub(in crate::cli) fn object(&self) -> Value {
        let Committee { members, together, variance, covariance, .. } = &self.committee;
        let named = self.members.names.iter().zip(members).zip(self.members.ensemble.counts());
        let member = |((name, of), count): ((&String, &Judgement), &u32)| {
            json!({
                "model": name, "count": count, "error": of.error(), "loss": of.evaluation.loss,
                "squared_error": of.squared_error,
            })
        };
        json!({
            "data": self.rows.name, "n": self.rows.numbers.len(), "k": self.committee.count,
            "members": named.map(member).collect::<Vec<_>>(),
            "error": together.error(), "loss": together.evaluation.loss, "squared_error": together.squared_error,
            "interval": together.evaluation.interval().map(|[low, high]| [1.0 - high, 1.0 - low]),
            "error_variance": variance, "error_covariance": covariance, "predicted": self.committee.predicted(),
        })
    }
}

fn line(name: String, of: &Judgement, numbers: bool) -> Vec<String> {
    let squared = show::number(of.squared_error);
    if numbers { vec![name, squared] } else { vec![name, format!("{:.2} %", 100.0 * of.error()), squared] }
}
