//! The one source of randomness: its published answers, and dropout's masks, on both executors.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::{Arc, LazyLock};
use wgrad::cpu::{Machine, Mode};
use wgrad::executor::Executor;
use wgrad::gpu::{Gpu, Session};
use wgrad::judge::kernels::{POISON, Trial, judge};
use wgrad::kernel::{Kernel, Needs, Now, Part, Tolerance, read, write};
use wgrad::op::{Case, Fill, Made, Op, Outputs, Recorder, Target, Wire, Wires};
use wgrad::ops::dropout::{self, Dropout, Scaling};
use wgrad::random::{key, philox};
use wgrad::shape::{Shape, ShapeError};

/// Counter, key and words of philox4x32-10, from the file kat_vectors of Random123.
const ANSWERS: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
    ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
    (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ),
];

const BODY: &str = "
@group(0) @binding(1) var<storage, read> counters: array<vec4u>;
@group(0) @binding(2) var<storage, read> keys: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> words: array<vec4u>;

// As in shared/now.wgsl, where there is no step.
fn unfolded(value: u32) -> u32 {
    return value;
}

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
    words[group.x] = philox(counters[group.x], keys[group.x]);
}
";

/// The crate's own text of the generator, out of the kernel that uses it.
fn generator() -> Part {
    let mut parts = dropout::KERNELS.iter().flat_map(|kernel| kernel.parts);
    *parts.find(|part| part.file == "shared/random.wgsl").unwrap()
}

fn kernel(name: &'static str, generator: Part) -> Kernel {
    Kernel {
        name,
        parts: vec![generator, Part { file: "random/known.wgsl", text: BODY }].leak(),
        args: &[],
        bindings: &const { [read("counters").u32(), read("keys").u32(), write("words").u32()] },
        needs: Needs::Nothing,
        tolerance: Tolerance::EXACT,
        twin: Some(|_, io| {
            let [counters, keys, mut words] = io.take();
            let counted = counters.u32().as_chunks().0.iter().zip(keys.u32().as_chunks().0);
            for (words, (counter, key)) in words.u32_mut().chunks_mut(4).zip(counted) {
                words.copy_from_slice(&philox(*counter, *key));
            }
        }),
        fast: None,
    }
}

static KNOWN: LazyLock<Kernel> = LazyLock::new(|| kernel("random.known", generator()));

/// With one bit of a multiplier turned.
static WRONG: LazyLock<Kernel> = LazyLock::new(|| {
    let right = generator();
    let text = right.text.replace("0xD2511F53u", "0xD2511F57u").leak();
    assert_ne!(text, right.text);
    kernel("random.wrong", Part { text, ..right })
});

#[derive(Debug)]
struct Philox(&'static Kernel);

impl Op for Philox {
    fn name(&self) -> &'static str {
        "random"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        Ok(Outputs { outputs: vec![Made::u32("words", inputs[0].clone())], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots = [w.inputs[0].slot, w.inputs[1].slot, w.outputs[0].slot];
        rec.dispatch(self.0, &(), &slots, [w.inputs[0].shape.rows() as u32, 1, 1]);
    }
}

/// The published counters and keys, and after them others that turn every word both ways.
fn philox_case(kernel: &'static Kernel) -> Case {
    let others = (0..1000).map(|i| {
        let words = philox([i, 1, 2, 3], [4, 5]);
        (words, [words[3] ^ i, words[0].rotate_left(7)])
    });
    let all: Vec<_> = ANSWERS.iter().map(|(counter, key, _)| (*counter, *key)).chain(others).collect();
    let counters = Fill::Words(all.iter().flat_map(|(counter, _)| *counter).collect());
    let keys = Fill::Words(all.iter().flat_map(|(_, key)| *key).collect());
    let inputs = vec![([all.len(), 4].into(), counters), ([all.len(), 2].into(), keys)];
    Case::new("random", Philox(kernel), all.len(), inputs)
}

#[test]
fn the_published_answers_come_out_on_the_host() {
    for (counter, key, words) in ANSWERS {
        assert_eq!(philox(counter, key), words);
    }
}

#[test]
fn the_published_answers_come_out_of_both_executors() {
    let gpu = support::gpu();
    let trial = Trial::new(&philox_case(&KNOWN), gpu.as_ref().map_or(Target::CPU, |gpu| gpu.target())).unwrap();
    for (name, mut executor) in executors(gpu.as_ref(), &trial) {
        let verdicts = judge(&trial, &name, executor.as_mut()).unwrap();
        assert!(verdicts.len() == 1 && verdicts[0].ok(), "{name}: {verdicts:#?}");
        let words = executor.read(trial.wires.outputs[0].slot, 0, 4 * ANSWERS.len()).unwrap();
        assert_eq!(words, ANSWERS.map(|(.., words)| words).concat(), "{name}");
    }
}

#[test]
fn a_wrong_generator_is_seen() {
    let Some(gpu) = support::gpu() else { return };
    let trial = Trial::new(&philox_case(&WRONG), gpu.target()).unwrap();
    let mut session = Session::new(&gpu, Arc::clone(&trial.plan)).unwrap();
    assert!(!judge(&trial, "wrong", &mut session).unwrap()[0].ok());
}

/// The two executors that train, or the one where there is no device.
fn executors(gpu: Option<&Arc<Gpu>>, trial: &Trial) -> Vec<(String, Box<dyn Executor>)> {
    let plan = || Arc::clone(&trial.plan);
    let mut executors: Vec<(String, Box<dyn Executor>)> =
        vec![("CPU".into(), Box::new(Machine::new(plan(), Mode::Fast)))];
    if let Some(gpu) = gpu {
        executors.push(("GPU".into(), Box::new(Session::new(gpu, plan()).unwrap())));
    }
    executors
}

/// Over a million elements; the width is odd, so that rows begin anywhere within the four words of one counter.
const ROWS: usize = 1031;
const WIDTH: usize = 1021;
const COUNT: usize = ROWS * WIDTH;

const SEED: u64 = 0x0123_4567_89ab_cdef;

/// In standard errors. Some fifty numbers are judged, so a right generator has one beyond four with a probability of
/// 0.3 %; all counters and keys are fixed, so that this does not come and go.
const LIMIT: f64 = 4.0;

fn dropout_trial(op: Dropout, rows: usize, target: Target) -> Trial {
    let ones = Fill::Normal(1.0, 0.0);
    Trial::new(&Case::new("mask", op, rows, vec![([ROWS, WIDTH].into(), ones)]), target).unwrap()
}

/// The words of ones after dropout, and of a gradient of ones, at one step.
fn step(trial: &Trial, executor: &mut dyn Executor, step: u32) -> [Vec<u32>; 2] {
    trial.fill(executor).unwrap();
    executor.write(trial.wires.d_outputs[0].slot, 0, &vec![1f32.to_bits(); COUNT]).unwrap();
    let now = executor.now().unwrap();
    executor.set_now(Now { step, ..now }).unwrap();
    executor.run(0, 1).unwrap();
    let gradient = trial.wires.d_inputs[0].as_ref().unwrap().slot;
    [trial.wires.outputs[0].slot, gradient].map(|slot| executor.read(slot, 0, COUNT).unwrap())
}

/// What the kernel must do with ones, straight from the rule.
fn by_the_rule(op: Dropout, step: u32) -> Vec<u32> {
    let threshold = (op.p * 2f64.powi(32)).round() as u64;
    let scale = ((1.0 / (1.0 - op.p)) as f32).to_bits();
    let words = (0..COUNT.div_ceil(4) as u32).flat_map(|i| philox([i, step, op.layer, 0], key(op.seed)));
    words.take(COUNT).map(|word| if u64::from(word) < threshold { 0 } else { scale }).collect()
}

/// The mask of one step, after all that must hold for it alone: the same bits on both executors, in the gradient, and
/// by the rule.
fn mask(gpu: Option<&Arc<Gpu>>, op: Dropout, steps: u32) -> Vec<Vec<bool>> {
    let trial = dropout_trial(op, ROWS, gpu.map_or(Target::CPU, |gpu| gpu.target()));
    let mut executors = executors(gpu, &trial);
    let one = |at: u32| {
        let right = by_the_rule(op, at);
        for (name, executor) in &mut executors {
            let [value, gradient] = step(&trial, executor.as_mut(), at);
            assert!(value == right, "{op:?}, step {at}: the {name} has other bits than the rule");
            assert!(gradient == value, "{op:?}, step {at}: on the {name} the gradient has another mask");
        }
        right.iter().map(|word| *word != 0).collect()
    };
    (0..steps).map(one).collect()
}

/// How far the share of kept elements is from 1 − p, in standard deviations of the binomial distribution.
fn share_off(mask: &[bool], p: f64) -> f64 {
    let (kept, n) = (mask.iter().filter(|kept| **kept).count() as f64, mask.len() as f64);
    (kept - n * (1.0 - p)) / (n * p * (1.0 - p)).sqrt()
}

/// The correlation of two masks in its standard errors: that of n independent pairs is 1 / √n.
fn correlation(a: &[bool], b: &[bool], p: f64) -> f64 {
    let centred = |kept: &bool| f64::from(u8::from(*kept)) - (1.0 - p);
    let pairs = a.iter().zip(b);
    let n = pairs.len() as f64;
    pairs.map(|(a, b)| centred(a) * centred(b)).sum::<f64>() / (p * (1.0 - p)) / n.sqrt()
}

/// All numbers of one p that lie beyond the limit, of those that were judged.
fn beyond(p: f64, steps: &[Vec<bool>], layer: &[bool], seeds: [&[bool]; 2]) -> (Vec<String>, usize) {
    let mut all: Vec<(String, f64)> = vec![];
    let first = &steps[0];
    all.extend(steps.iter().enumerate().map(|(i, mask)| (format!("share of step {i}"), share_off(mask, p))));
    all.push(("share of the next layer".into(), share_off(layer, p)));
    all.extend(seeds.iter().map(|mask| ("share of another seed".into(), share_off(mask, p))));
    let steps = steps.windows(2).enumerate();
    all.extend(steps.map(|(i, pair)| (format!("steps {i} and {}", i + 1), correlation(&pair[0], &pair[1], p))));
    all.push(("neighbouring layers".into(), correlation(first, layer, p)));
    all.extend(seeds.iter().map(|mask| ("two seeds".into(), correlation(first, mask, p))));
    let lags = [1, 2, 3, 4, WIDTH];
    all.extend(lags.iter().map(|&lag| (format!("elements {lag} apart"), correlation(first, &first[lag..], p))));
    let count = all.len();
    let bad = all.into_iter().filter(|(_, off)| off.is_nan() || off.abs() > LIMIT);
    (bad.map(|(name, off)| format!("p = {p}, {name}: {off:.2} standard errors")).collect(), count)
}

#[test]
fn masks_are_the_same_everywhere_and_independent() {
    let gpu = support::gpu();
    let gpu = gpu.as_ref();
    let mut judged = 0;
    for p in [0.1, 0.5, 0.9] {
        let op = Dropout { p, rule: Scaling::Inverted, layer: 3, seed: SEED, per_channel: false };
        let steps = mask(gpu, op, 4);
        let layer = mask(gpu, Dropout { layer: 4, ..op }, 1).remove(0);
        // One that differs in the lower word of the key, and one that does in the upper.
        let seeds = [SEED + 1, SEED + (1 << 32)].map(|seed| mask(gpu, Dropout { seed, ..op }, 1).remove(0));
        let (bad, count) = beyond(p, &steps, &layer, [&seeds[0], &seeds[1]]);
        assert!(bad.is_empty(), "{bad:#?}");
        judged += count;
    }
    assert_eq!(judged, 3 * 18);
}

/// The harness itself: masks that are wrong in one way each are objected to for that one.
#[test]
fn wrong_masks_are_seen() {
    let p = 0.5;
    let of = |step: u32, seed: u64| -> Vec<bool> {
        let op = Dropout { p, rule: Scaling::Inverted, layer: 3, seed, per_channel: false };
        by_the_rule(op, step).iter().map(|word| *word != 0).collect()
    };
    let (steps, layer) = ([of(0, SEED), of(1, SEED)], of(7, SEED));
    let (low, high) = (of(0, SEED + 1), of(0, SEED + 2));
    let named = |steps: &[Vec<bool>], layer: &[bool], seed: &[bool]| beyond(p, steps, layer, [seed, &high]).0;
    assert_eq!(named(&steps, &layer, &low), Vec::<String>::new());
    let only = |bad: &[String], what: &str| bad.len() == 1 && bad[0].contains(what);
    let same = correlation(&steps[0], &steps[0], p);
    assert!(same > 0.99 * (COUNT as f64).sqrt(), "a mask with itself: {same}");
    assert!(only(&named(&[steps[0].clone(), steps[0].clone()], &layer, &low), "steps 0 and 1"));
    assert!(only(&named(&steps, &steps[0], &low), "neighbouring layers"));
    assert!(only(&named(&steps, &layer, &steps[0]), "two seeds"));
    // One element in a hundred is the other mask's.
    let mut little = layer.clone();
    little.iter_mut().zip(&steps[0]).step_by(100).for_each(|(a, b)| *a = *b);
    assert!(only(&named(&steps, &little, &low), "neighbouring layers"));
    let opposite: Vec<bool> = steps[0].iter().map(|kept| !kept).collect();
    assert!(only(&named(&steps, &opposite, &low), "neighbouring layers"));
    // Half a per cent kept too many.
    let mut many = layer.clone();
    many.iter_mut().step_by(200).for_each(|kept| *kept = true);
    assert!(only(&named(&steps, &many, &low), "share of the next layer"));
    // Every other element repeats the one before it.
    let mut pairs = steps.clone();
    pairs[0].chunks_mut(2).for_each(|pair| pair[pair.len() - 1] = pair[0]);
    assert!(named(&pairs, &layer, &low).iter().any(|bad| bad.contains("elements 1 apart")));
}

#[test]
fn a_partial_batch_has_the_first_rows_of_the_full_mask() {
    let gpu = support::gpu();
    let op = Dropout { p: 0.5, rule: Scaling::Inverted, layer: 3, seed: SEED, per_channel: false };
    let rows = 700;
    let trial = dropout_trial(op, rows, gpu.as_ref().map_or(Target::CPU, |gpu| gpu.target()));
    let full = by_the_rule(op, 9);
    let live = rows * WIDTH;
    for (name, mut executor) in executors(gpu.as_ref(), &trial) {
        for words in step(&trial, executor.as_mut(), 9) {
            assert!(words[..live] == full[..live], "{name}");
            assert!(words[live..].iter().all(|word| *word == POISON), "{name}: rows beyond the batch were written");
        }
    }
}
