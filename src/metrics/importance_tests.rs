use super::*;
use crate::nn::Loss;
use rand_distr::{Distribution, StandardNormal};
use std::convert::Infallible;

const ROWS: u32 = 101;
const WEIGHTS: [f32; 3] = [1.0, 0.5, 0.0];

/// Three columns, each with all of −5, −4.9 … 5.
fn values() -> Vec<f32> {
    let value = |i: u32, j: u32| (f64::from((i * 37 * (j + 1) + j * j * 11) % 101) / 10.0 - 5.0) as f32;
    (0..ROWS).flat_map(|i| (0..3).map(move |j| value(i, j))).collect()
}

fn linear(values: &[f32]) -> Vec<f32> {
    values.chunks(3).map(|row| row.iter().zip(WEIGHTS).map(|(x, w)| x * w).sum()).collect()
}

fn found(problem: &Problem, targets: &Targets, repeats: u32) -> Vec<Importance> {
    let rows: Vec<u32> = (0..ROWS).collect();
    let asked = (problem, &TargetScale::none(1), targets, &rows[..]);
    let columns = [0..1, 1..2, 2..3];
    let outputs = |values: Vec<f32>| Ok::<_, Infallible>(linear(&values));
    let Ok(found) = importance(asked, (&values(), &columns), (repeats, 7), outputs);
    found
}

/// Means and deviations of `sklearn.inspection.permutation_importance` with 20,000 repeats, of accuracy and of
/// neg_mean_squared_error, on the same rows and linear model. The mean of 400 repeats is within 4.5 of its own deviations.
#[test]
fn drops_are_those_of_scikit_learn() {
    let z = linear(&values());
    let names = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
    let labels = z.iter().enumerate().map(|(i, z)| u32::from(*z > 0.0) ^ u32::from(i % 7 == 0)).collect();
    let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, names: names(2) };
    let of_classes = found(&binary, &Targets::Classes { labels, names: names(2) }, 400);
    let number = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: names(1) };
    let values = z.iter().enumerate().map(|(i, z)| f64::from(*z) + ((i * 53) % 97) as f64 / 50.0).collect();
    let of_numbers = found(&number, &Targets::Numbers { values, names: names(1) }, 400);
    let wanted = [
        (of_classes, [(0.295_217, 0.047_340), (0.139_380, 0.028_430), (0.0, 0.0)]),
        (of_numbers, [(17.305_002, 1.757_766), (4.309_305, 0.459_925), (0.0, 0.0)]),
    ];
    for (found, wanted) in wanted {
        assert_eq!(found.iter().map(|one| one.column).collect::<Vec<_>>(), [0, 1, 2]);
        for (one, (mean, deviation)) in found.iter().zip(wanted) {
            let bound = 4.5 * deviation / 400f64.sqrt();
            assert!((one.mean - mean).abs() <= bound, "{one:?}");
            let spread = one.drops.iter().map(|drop| (drop - one.mean).powi(2)).sum::<f64>() / 400.0;
            // A deviation of 400 repeats has one of its own of about 1/√800.
            assert!((spread.sqrt() - deviation).abs() <= 4.5 * deviation / 800f64.sqrt(), "{one:?}");
        }
        assert_eq!((found[2].interval, found[2].mean), ([0.0; 2], 0.0));
    }
}

/// By hand: three rows with their own values as targets. Where the rows with 0 and 3 change places, both squared errors become
/// 9. The sums of a row's own drop and that of the row with its value are 18, 18 and 0: a variance of 108.
#[test]
fn an_interval_is_that_of_rows_that_receive_and_give() {
    let number = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: vec!["y".into()] };
    let targets = Targets::Numbers { values: vec![9.0, 0.0, 1.0, 3.0], names: vec![] };
    let asked = (&number, &TargetScale::none(1), &targets, &[1, 2, 3][..]);
    let mut changed = 0;
    for seed in 0..40 {
        let column = std::slice::from_ref(&(0..1));
        let Ok(found) = importance(asked, (&[0.0, 1.0, 3.0], column), (1, seed), Ok::<_, Infallible>);
        // No other order of the three has this mean.
        if (found[0].mean - 6.0).abs() < 1e-12 {
            changed += 1;
            let [low, high] = found[0].interval.map(|end| end - 6.0);
            let half = Z * (108f64 / 3.0).sqrt();
            assert!((high - half).abs() < 1e-12 && (low + half).abs() < 1e-12, "{found:?}");
        }
    }
    assert!(changed > 0, "{changed}");
}

/// The rise of the squared error of x where x is permuted, of targets x + noise: twice the variance of x.
const NUMBERS: f64 = 2.0;

/// The drop of the accuracy of x > 1 as an answer to x + noise/2 > 1, both normal: by integrals over the normal distribution,
/// 0.904 086 less the 0.714 674 of independent values.
const UNEVEN: f64 = 0.189_411_742;

/// How many of 1000 intervals hold the importance of all rows that could be drawn. The deviation of such a count is 7, so that
/// an exact interval gives more than 922 of them. The interval is wider than need be where repeats are few, as here, and where
/// it is twice as wide, all but a few hold it.
#[test]
fn an_interval_holds_the_importance_as_often_as_it_says() {
    const N: usize = 200;
    let rows: Vec<u32> = (0..N as u32).collect();
    let names = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
    let number = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: names(1) };
    let binary = Problem { answer: Answer::Binary, loss: Loss::BINARY_CROSS_ENTROPY, names: names(2) };
    let held = |trial: u32| {
        let mut stream = Stream::new(1, Domain::Check, trial);
        let mut normal = || (0..N).map(|_| StandardNormal.sample(&mut stream)).collect::<Vec<f64>>();
        let [x, noise] = [normal(), normal()];
        let noisy = |share: f64| x.iter().zip(&noise).map(|(x, noise)| x + share * noise).collect::<Vec<f64>>();
        let of = |problem: &Problem, targets: &Targets, least: f32| {
            let values: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            let outputs = |values: Vec<f32>| Ok::<_, Infallible>(values.iter().map(|x| x - least).collect());
            let asked = (problem, &TargetScale::none(1), targets, &rows[..]);
            let column = std::slice::from_ref(&(0..1));
            let Ok(found) = importance(asked, (&values, column), (5, u64::from(trial)), outputs);
            found[0].interval
        };
        let values = noisy(1.0);
        let numbers = of(&number, &Targets::Numbers { values, names: names(1) }, 0.0);
        let labels = noisy(0.5).iter().map(|y| u32::from(*y > 1.0)).collect();
        let classes = of(&binary, &Targets::Classes { labels, names: names(2) }, 1.0);
        [(numbers, NUMBERS), (classes, UNEVEN)].map(|([low, high], truth)| (low..=high).contains(&truth))
    };
    let all: Vec<[bool; 2]> = (0..1000).map(held).collect();
    for kind in 0..2 {
        let count = all.iter().filter(|held| held[kind]).count();
        assert!((923..990).contains(&count), "{kind}: {count}");
    }
}

/// A column of two texts is two features, one of which is 1 in every row: also in permuted ones.
#[test]
fn the_features_of_a_column_move_together() {
    let values: Vec<f32> = (0..200).flat_map(|row| if row % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
    let class = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names: vec!["a".into(), "b".into()] };
    let targets = Targets::Classes { labels: (0..200).map(|row| row % 2).collect(), names: vec![] };
    let rows: Vec<u32> = (0..200).collect();
    let asked = (&class, &TargetScale::none(2), &targets, &rows[..]);
    let outputs = |values: Vec<f32>| {
        assert!(values.chunks(2).all(|row| row.iter().sum::<f32>() == 1.0));
        Ok::<_, Infallible>(values)
    };
    let Ok(found) = importance(asked, (&values, std::slice::from_ref(&(0..2))), (5, 0), outputs);
    // Half of the rows get the other text: of 200 rows that is 0.5 with a deviation of 1/(2 √199).
    assert!(found[0].drops.iter().all(|drop| (drop - 0.5).abs() < 4.5 * 0.5 / 199f64.sqrt()), "{found:?}");
    assert!(found[0].drops.windows(2).any(|pair| pair[0] != pair[1]), "{found:?}");
}
