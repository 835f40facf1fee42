//! The process in which mutants run. It reads a mutant a line and answers each in a line.

use crate::reversed::{reversed, with_text};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;
use wgrad::executor::DeviceError;
use wgrad::gpu::{Gpu, Session};
use wgrad::judge::kernels::{Trial, judge_some};
use wgrad::kernel::Kernel;
use wgrad::op::{Family, Target};
use wgrad::ops::OPS;

/// What begins a line for the parent; the test harness prints lines too.
pub const ANSWER: &str = "ANSWER ";

/// What the parent asks.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub kernel: String,
    pub text: String,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The device is open.
    Ready,
    /// In none of so many checks was anything wrong.
    Survived(usize),
    /// The first thing that was wrong, with the case.
    Caught(String),
    /// The device did not go on; the child ends.
    Failed(String),
}

/// The kernels that some case reaches on a device, each with a target that chooses it.
pub fn reached(gpu: &Gpu) -> Vec<(&'static Kernel, Target)> {
    let targets = targets(gpu);
    let mut found: Vec<(&'static Kernel, Target)> = vec![];
    for (target, case) in targets.into_iter().flat_map(|target| cases().map(move |case| (target, case.1))) {
        let Some(trial) = Trial::within_turns(&case, target).unwrap() else { continue };
        for dispatch in &trial.plan.programs[0].dispatches {
            if found.iter().all(|(kernel, _)| *kernel != dispatch.kernel) {
                found.push((dispatch.kernel, target));
            }
        }
    }
    found
}

fn targets(gpu: &Gpu) -> Vec<Target> {
    let runs = |family: &Family| gpu.report().families().contains(family);
    let families = [Family::Tiled, Family::Plain, Family::Subgroup].into_iter().filter(runs);
    families.map(|product| Target { product, ..gpu.target() }).collect()
}

fn cases() -> impl Iterator<Item = (&'static str, wgrad::op::Case)> {
    OPS.iter().flat_map(|op| (op.cases)().into_iter().map(|case| (op.name, case)))
}

/// A kernel with its cases, the smallest first.
struct Checked {
    kernel: &'static Kernel,
    trials: Vec<(String, Trial)>,
}

impl Checked {
    fn new(gpu: &Gpu, name: &str) -> Self {
        let in_trial =
            |trial: &Trial| trial.plan.programs[0].dispatches.iter().find(|d| d.kernel.name == name).cloned();
        for target in targets(gpu) {
            let named = |(op, case): (&str, wgrad::op::Case)| (format!("{op}: {}", case.name), case);
            let made = cases().map(named).map(|(name, case)| (name, Trial::new(&case, target).unwrap()));
            let mut trials: Vec<_> = made.filter(|(_, trial)| in_trial(trial).is_some()).collect();
            trials.sort_by_key(|(_, trial)| trial.plan.bytes());
            if let Some(dispatch) = trials.first().and_then(|(_, trial)| in_trial(trial)) {
                return Self { kernel: dispatch.kernel, trials };
            }
        }
        panic!("no case reaches {name}")
    }

    /// Runs the cases with another text in place of the kernel's; then with its threads in the other order.
    fn answer(&self, gpu: &Arc<Gpu>, number: usize, text: &str) -> Result<Answer, DeviceError> {
        let name = |what: &str| format!("{}, {what} {number}", self.kernel.name);
        let mutant = with_text(self.kernel, name("mutant"), text.to_owned());
        let reversed = reversed(text).map(|text| with_text(self.kernel, name("reversed mutant"), text));
        let mut checks = 0;
        let plain = self.trials.iter().map(|(case, trial)| (case, trial, Some(mutant), &trial.watched));
        let backwards = self.trials.iter().map(|(case, trial)| (case, trial, reversed, &trial.plan));
        for (case, trial, text, plan) in plain.chain(backwards) {
            let Some(text) = text else { break };
            let mut plan = (**plan).clone();
            let dispatches = plan.programs.iter_mut().flat_map(|program| &mut program.dispatches);
            dispatches.filter(|d| d.kernel == self.kernel).for_each(|d| d.kernel = text);
            let mut session = Session::new(gpu, Arc::new(plan))?;
            let verdicts = judge_some(trial, case, &mut session, &|kernel| kernel == self.kernel)?;
            checks += verdicts.len();
            if let Some((verdict, worst)) = verdicts.iter().find_map(|v| v.worst.as_ref().map(|worst| (v, worst))) {
                return Ok(Answer::Caught(format!("{}: {worst}", verdict.case)));
            }
        }
        Ok(Answer::Survived(checks))
    }
}

fn say(answer: &Answer) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ANSWER}{}", serde_json::to_string(answer).unwrap()).and_then(|()| out.flush()).unwrap();
}

/// Answers questions until there are no more.
pub fn serve(gpu: &Arc<Gpu>) {
    say(&Answer::Ready);
    let mut at_hand: Option<Checked> = None;
    for (number, line) in std::io::stdin().lines().enumerate() {
        let Question { kernel, text } = serde_json::from_str(&line.unwrap()).unwrap();
        let checked = match at_hand.take() {
            Some(checked) if checked.kernel.name == kernel => checked,
            _ => Checked::new(gpu, &kernel),
        };
        match checked.answer(gpu, number, &text) {
            Ok(answer) => say(&answer),
            Err(error) => return say(&Answer::Failed(error.to_string())),
        }
        at_hand = Some(checked);
    }
}
