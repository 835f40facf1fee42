//! Runs mutants in processes that may hang or end, and are replaced then.

use crate::child::{ANSWER, Answer, Question};
use crate::draw::Mutant;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// In the environment of a child.
pub const CHILD: &str = "WGRAD_MUTANTS_CHILD";

/// How long a mutant may run. All cases of a kernel take up to 3 seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Processes at work at once.
const JOBS: usize = 2;

/// What became of a mutant.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Something was wrong with it, and what.
    Wrong(String),
    /// Its process did not answer.
    Stopped(String),
    /// Nothing was wrong in so many checks.
    Survived(usize),
}

/// All mutants with what became of them, in their order.
pub fn run(mutants: Vec<Mutant>) -> Vec<(Mutant, Outcome)> {
    // Those of a kernel one after the other, as a child keeps the cases of one.
    let mut order: Vec<usize> = (0..mutants.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(mutants[at].kernel));
    let left = Mutex::new(order);
    let outcomes: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; mutants.len()]);
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                let mut worker = None;
                loop {
                    let Some(at) = left.lock().unwrap().pop() else { return };
                    let outcome = match &mutants[at].fault {
                        Some(fault) => Outcome::Wrong(format!("tests/kernels.rs says: {fault}")),
                        None => ask(&mut worker, &mutants[at]),
                    };
                    outcomes.lock().unwrap()[at] = Some(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap().into_iter().map(Option::unwrap);
    mutants.into_iter().zip(outcomes).collect()
}

/// Asks the process at hand, or a new one. One that ends may do so for another's fault, as where memory is short: what a
/// mutant did counts if it does it twice.
fn ask(at_hand: &mut Option<Worker>, mutant: &Mutant) -> Outcome {
    match ask_once(at_hand, mutant) {
        Outcome::Stopped(_) => ask_once(at_hand, mutant),
        outcome => outcome,
    }
}

fn ask_once(at_hand: &mut Option<Worker>, mutant: &Mutant) -> Outcome {
    let Some(mut worker) = at_hand.take().or_else(|| (0..3).find_map(|_| Worker::start())) else {
        panic!("no process opens the device, in three tries")
    };
    let question = Question { kernel: mutant.kernel.to_owned(), text: mutant.text.clone() };
    let outcome = match worker.answer(&question) {
        Ok(Answer::Survived(checks)) => Outcome::Survived(checks),
        Ok(Answer::Caught(what)) => Outcome::Wrong(what),
        Ok(Answer::Failed(what)) => return Outcome::Stopped(what),
        Ok(Answer::Ready) => panic!("a process opened its device twice"),
        Err(RecvTimeoutError::Timeout) => return Outcome::Stopped(format!("no answer within {} s", LIMIT.as_secs())),
        Err(RecvTimeoutError::Disconnected) => return Outcome::Stopped("its process ended".to_owned()),
    };
    *at_hand = Some(worker);
    outcome
}

struct Worker {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<Answer>,
}

impl Worker {
    /// A process that has its device; `None` where it ends before.
    fn start() -> Option<Self> {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--ignored", "--nocapture"])
            .env(CHILD, "1")
            // As many threads as there are processors, with all processes together.
            .env("LP_NUM_THREADS", "1")
            .env("RAYON_NUM_THREADS", "1")
            // A driver would keep every mutant.
            .env("MESA_SHADER_CACHE_DISABLE", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (questions, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let Some((_, answer)) = line.split_once(ANSWER) else { continue };
                if send.send(serde_json::from_str(answer).unwrap()).is_err() {
                    return;
                }
            }
        });
        let worker = Self { child, questions, answers };
        matches!(worker.answers.recv_timeout(LIMIT), Ok(Answer::Ready)).then_some(worker)
    }

    fn answer(&mut self, question: &Question) -> Result<Answer, RecvTimeoutError> {
        let line = serde_json::to_string(question).unwrap();
        // Where the process is gone, so is what it would say.
        let _ = writeln!(self.questions, "{line}").and_then(|()| self.questions.flush());
        self.answers.recv_timeout(LIMIT)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended, or be in a loop without an end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
