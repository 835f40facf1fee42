//! Temperature scaling: one number by which all outputs are divided, so that confidence is nearer to accuracy.
//!
//! Source: Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks", section 4.2. T > 0 minimises the
//! mean negative log-likelihood of softmax(z / T) on rows that the network was not trained on. In β = 1/T that loss is convex,
//! and its derivative is the mean of E_p(z) − z_right. A sigmoid is the softmax of the outputs 0 and z; where each class has a
//! sigmoid of its own, each output is a yes or a no, and the likelihood is that of all of them.
//!
//! With few wrong answers T follows single rows: at one wrong answer of 180 it can be 0.1, and the loss on other rows several
//! times as large as before. So it takes ten wrong answers, as logistic regression takes ten events for each coefficient
//! (Peduzzi et al. 1996, "A simulation study of the number of events per variable in logistic regression analysis").

use crate::data::Targets;
use crate::nn::{Answer, Problem};
use crate::op::SIGMOID;

/// The largest temperature that is looked for; the smallest is its inverse.
pub const MOST_TEMPERATURE: f64 = 100.0;

/// Wrong answers that a temperature takes at least.
pub const WRONG_ANSWERS: usize = 10;

/// Outputs with the right answer among them.
type Asked = (Vec<f64>, usize);

/// The temperature from 1/100 to 100 that makes the negative log-likelihood of these rows of a data set smallest, in float64.
/// There is none where fewer than ten answers are wrong, where they are no better than by chance (the larger the better), and
/// where the outputs stand for no probabilities. Of sigmoids each yes and no is an answer.
pub fn temperature(problem: &Problem, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Option<f64> {
    let link = problem.loss.kind().link;
    if !link.gives_probabilities {
        return None;
    }
    let width = problem.head().outputs;
    let each = outputs.chunks(width).zip(rows.iter().map(|&row| row as usize));
    let yes_or_no = |z: f32, yes: bool| (vec![0.0, f64::from(z)], usize::from(yes));
    let asked: Vec<Asked> = match (problem.answer, targets) {
        (Answer::Class, Targets::Classes { labels, .. }) if link.name == SIGMOID.name => {
            let yes = |row: usize, j: usize| labels[row] as usize == j;
            each.flat_map(|(z, row)| (0..width).map(move |j| yes_or_no(z[j], yes(row, j)))).collect()
        }
        (Answer::Class, Targets::Classes { labels, .. }) => {
            each.map(|(z, row)| (z.iter().map(|&z| f64::from(z)).collect(), labels[row] as usize)).collect()
        }
        (Answer::Binary, Targets::Classes { labels, .. }) => {
            each.map(|(z, row)| yes_or_no(z[0], labels[row] == 1)).collect()
        }
        (Answer::Labels, Targets::Labels { values, .. }) => {
            let yes = |row: usize, j: usize| values[row * width + j] > 0.5;
            each.flat_map(|(z, row)| (0..width).map(move |j| yes_or_no(z[j], yes(row, j)))).collect()
        }
        _ => return None,
    };
    let is_wrong = |(z, right): &&Asked| is_missed(z, *right);
    let wrong = match (problem.answer, targets) {
        // The answer is one class, whatever its outputs are.
        (Answer::Class, Targets::Classes { labels, .. }) => {
            let each = outputs.chunks(width).zip(rows);
            each.filter(|(z, row)| is_missed(z, labels[**row as usize] as usize)).count()
        }
        _ => asked.iter().filter(is_wrong).count(),
    };
    if wrong < WRONG_ANSWERS { None } else { fit(&asked) }
}

/// Whether another output is as large as that of the right class.
fn is_missed<T: PartialOrd>(z: &[T], right: usize) -> bool {
    z.iter().enumerate().any(|(j, other)| j != right && *other >= z[right])
}

/// Newton's method for the root of the derivative in ln β, kept between bounds that close in on it.
fn fit(asked: &[Asked]) -> Option<f64> {
    let (mut low, mut high) = (-MOST_TEMPERATURE.ln(), MOST_TEMPERATURE.ln());
    if !(slope(asked, low.exp()).0 < 0.0 && slope(asked, high.exp()).0 > 0.0) {
        return None;
    }
    let mut at = 0.0f64;
    for _ in 0..200 {
        let (first, second) = slope(asked, at.exp());
        if first > 0.0 {
            high = at
        } else {
            low = at
        }
        let newton = at - first / (second * at.exp());
        let next = if newton > low && newton < high { newton } else { (low + high) / 2.0 };
        let moved = (next - at).abs();
        at = next;
        if moved < 1e-12 {
            break;
        }
    }
    Some((-at).exp())
}

/// First and second derivative by β of the summed negative log-likelihood: Σ E_p(z) − z_right and Σ Var_p(z).
fn slope(asked: &[Asked], beta: f64) -> (f64, f64) {
    let of_row = |(z, right): &Asked| {
        let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for z in z {
            let (weight, apart) = ((beta * (z - most)).exp(), z - most);
            sum += weight;
            mean += weight * apart;
            square += weight * apart * apart;
        }
        let mean = mean / sum;
        (mean - (z[*right] - most), square / sum - mean * mean)
    };
    asked.iter().map(of_row).fold((0.0, 0.0), |(a, b), (first, second)| (a + first, b + second))
}

/// Divides the outputs `[rows, outputs]` of a network by a temperature. The class, or each yes and no, stays what it was,
/// also where two outputs become equal by rounding.
pub fn apply_temperature(problem: &Problem, temperature: f64, outputs: &mut [f32]) {
    for row in outputs.chunks_mut(problem.head().outputs) {
        let class = (problem.answer == Answer::Class).then(|| problem.class(row));
        for z in row.iter_mut() {
            let scaled = (f64::from(*z) / temperature) as f32;
            *z = if *z > 0.0 { scaled.max(f32::from_bits(1)) } else { scaled };
        }
        if let Some(class) = class {
            let (before, rest) = row.split_at_mut(class);
            before.iter_mut().filter(|z| **z == rest[0]).for_each(|z| *z = z.next_down());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(answer: Answer, names: usize) -> Problem {
        let loss = crate::nn::Loss::default_for(answer);
        Problem { answer, loss, names: (0..names).map(|i| i.to_string()).collect() }
    }

    fn classes(labels: &[u32]) -> Targets {
        Targets::Classes { labels: labels.to_vec(), names: vec![] }
    }

    fn near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found / wanted - 1.0).abs() < 1e-6)
    }

    /// By hand: of rows with logits ±z of which the share p is right, σ(z/T) = p.
    #[test]
    fn a_share_of_right_answers_gives_the_temperature() {
        let (z, wanted) = (4.0f32, 4.0 / 3f64.ln());
        let (labels, rows) = ([1, 1, 0, 1].repeat(10), (0..40).collect::<Vec<u32>>());
        assert!(near(temperature(&problem(Answer::Binary, 2), &[z; 40], &classes(&labels), &rows), wanted));
        let pairs: Vec<f32> = [0.0, z].repeat(40);
        assert!(near(temperature(&problem(Answer::Class, 2), &pairs, &classes(&labels), &rows), wanted));
        let values = labels.iter().map(|&label| label as f32).collect();
        let several = Targets::Labels { values, names: vec![] };
        assert!(near(temperature(&problem(Answer::Labels, 2), &[z; 40], &several, &rows[..20]), wanted));
        // Nine wrong answers are too few.
        assert_eq!(temperature(&problem(Answer::Binary, 2), &[z; 36], &classes(&labels[..36]), &rows[..36]), None);
    }

    /// By hand: the largest of ten outputs is a yes of 9 in 10 and right as often, each other a yes of 1 in 90 and right as often.
    /// Of outputs that are 3 times those, the temperature is 3. A softmax of them would have another.
    #[test]
    fn a_sigmoid_for_each_class_is_scaled_as_what_it_is() {
        let loss = "one_hot_binary_cross_entropy".parse().unwrap_or_else(|what| panic!("{what}"));
        let one_hot = Problem { loss, ..problem(Answer::Class, 10) };
        let right: Vec<u32> = (1..=20).map(|wrong| 1 + wrong % 9).chain(vec![0; 180]).collect();
        let rows: Vec<u32> = (0..200).collect();
        for factor in [1.0, 3.0] {
            let row: Vec<f32> =
                (0..10).map(|j| (factor * if j == 0 { 9f64.ln() } else { -89f64.ln() }) as f32).collect();
            let found = temperature(&one_hot, &row.repeat(200), &classes(&right), &rows);
            assert!(near(found, factor), "{found:?} {factor}");
        }
        // Nine rows are too few, though each has two wrong outputs.
        let row: Vec<f32> = (0..10).map(|j| if j == 0 { 9f32.ln() } else { -89f32.ln() }).collect();
        let right: Vec<u32> = (1..=9).chain(vec![0; 191]).collect();
        assert_eq!(temperature(&one_hot, &row.repeat(200), &classes(&right), &rows), None);
    }

    /// `scipy.optimize.minimize_scalar(lambda t: log_loss(y, softmax(z / t, axis=1)), bounds=(0.05, 50), method="bounded",
    /// options={"xatol": 1e-12})` of SciPy and scikit-learn gives the same for these outputs.
    #[test]
    fn the_temperature_is_that_of_another_minimiser() {
        let outputs = [
            3.0, 1.0, -2.0, 0.5, 4.0, 1.0, -1.0, 0.0, 2.5, 5.0, 4.5, 0.0, 1.0, 6.0, -3.0, 2.0, 2.5, 2.75, -1.5, 3.5,
            0.5, 0.25, -4.0, 1.75,
        ];
        let labels = classes(&[0, 1, 2, 1, 1, 0, 1, 2].repeat(5));
        let rows: Vec<u32> = (0..40).collect();
        let found = temperature(&problem(Answer::Class, 3), &outputs.repeat(5), &labels, &rows);
        assert!(near(found, 0.847_919_360), "{found:?}");
    }

    #[test]
    fn answers_that_are_no_better_than_chance_have_no_temperature() {
        let (binary, rows) = (problem(Answer::Binary, 2), (0..40).collect::<Vec<u32>>());
        let of = |labels: [u32; 2]| temperature(&binary, &[2.0, -2.0].repeat(20), &classes(&labels.repeat(20)), &rows);
        assert_eq!([of([1, 0]), of([0, 1]), of([1, 1])], [None; 3]);
        assert_eq!(temperature(&binary, &[], &classes(&[]), &[]), None);
        let squares = Problem { loss: crate::nn::Loss::MSE, ..binary };
        assert_eq!(temperature(&squares, &[0.9; 40], &classes(&[1, 1, 0, 1].repeat(10)), &rows), None);
    }

    #[test]
    fn no_class_changes() {
        let class = problem(Answer::Class, 3);
        let one = 1.0f32;
        let close = [[0.5, one, one.next_up()], [one, one, -7.0], [one.next_down(), one, one], [f32::MAX, -1.0, 3.0]];
        for temperature in [0.01, 0.3, 1.7, 3.0, 41.0, 100.0] {
            for row in close {
                let mut scaled = row;
                apply_temperature(&class, temperature, &mut scaled);
                assert_eq!(class.class(&scaled), class.class(&row), "{row:?} / {temperature}: {scaled:?}");
            }
            let binary = problem(Answer::Binary, 2);
            for z in [f32::from_bits(1), -f32::from_bits(1), 0.0, 3.0, -3.0] {
                let mut scaled = [z];
                apply_temperature(&binary, temperature, &mut scaled);
                assert_eq!(binary.class(&scaled), binary.class(&[z]), "{z} / {temperature}");
            }
        }
        let mut scaled = [4.0, -2.0, 1.0];
        apply_temperature(&class, 2.0, &mut scaled);
        assert_eq!(scaled, [2.0, -1.0, 0.5]);
    }
}
