//! Activations that are one another in other words.

use crate::support::job::{Subject, Tensor, executors, floats};
use crate::{ROUNDING, assert_same, rounded, run};
use wgrad::ops::activation::Activation;
use wgrad::ops::maxout::Maxout;
use wgrad::ops::prelu::Prelu;

const SHAPE: [usize; 2] = [61, 33];

/// From small to so large that exponentials are 0, of both signs, and 0 itself.
fn inputs() -> Tensor {
    let mut x = Tensor::normal(SHAPE, 0.0, 3.0, 0);
    x.values.iter_mut().step_by(7).for_each(|v| *v = rounded(*v * 40.0));
    x.values.iter_mut().step_by(11).for_each(|v| *v = rounded(*v * 1e-3));
    x.values[5] = 0.0;
    x
}

fn up() -> Tensor {
    Tensor::normal(SHAPE, 0.1, 1.0, 1)
}

/// Value and gradient by the first input.
fn both(op: &dyn wgrad::op::Op, inputs: &[Tensor], subject: &Subject) -> [Vec<u32>; 2] {
    let mut ran = run(op, inputs, Some(&up()), subject);
    [ran.outputs.remove(0), ran.gradients.remove(0)]
}

fn named(name: &str, parameter: f64) -> Activation {
    Activation::named(name, Some(parameter)).unwrap()
}

#[test]
fn maxout_of_x_and_minus_x_is_its_magnitude() {
    let x = inputs();
    let pairs: Vec<f64> = x.values.iter().flat_map(|v| [*v, -v]).collect();
    for subject in executors() {
        let [y, dx] = both(&Maxout { pieces: 2 }, &[Tensor::of([SHAPE[0], 2 * SHAPE[1]], pairs.clone())], &subject);
        let (y, dx) = (floats(&y), floats(&dx));
        for (i, (v, dy)) in x.values.iter().zip(&up().values).enumerate() {
            assert!(y[i] == v.abs(), "{}: |{v}| is {}", subject.name, y[i]);
            // By x = first − second over 2 this is sign(x) · dy; at 0 the first takes it.
            let by_x = dx[2 * i] - dx[2 * i + 1];
            assert!(by_x == if *v < 0.0 { -dy } else { *dy }, "{}: {v}: {by_x}", subject.name);
        }
    }
}

#[test]
fn prelu_is_relu_the_identity_or_leaky_relu_by_its_slope() {
    let x = inputs();
    for subject in executors() {
        let prelu = |alpha: f64| both(&Prelu, &[x.clone(), Tensor::new([1], rounded(alpha))], &subject);
        let plain = |op: Activation| both(&op, std::slice::from_ref(&x), &subject);
        let name = &subject.name;
        let identity = [x.words(), up().words()];
        for (part, same) in [
            (prelu(0.0), plain(Activation::RELU)),
            (prelu(1.0), identity),
            (prelu(0.01), plain(named("leaky_relu", 0.01))),
            (prelu(3.0), plain(named("leaky_relu", 3.0))),
        ] {
            (0..2).for_each(|i| assert_same(&part[i], &same[i], &format!("{name}, {i}")));
        }
    }
}

/// Of each function some 20 roundings, which is how good drivers' exp is, relative to the larger term: 1 at most, as σ is.
const OF_AN_EXP: f64 = 32.0 * ROUNDING;

#[test]
fn sigmoid_is_a_shifted_tanh() {
    let x = inputs();
    // Halving is exact.
    let half = Tensor::of(SHAPE, x.values.iter().map(|v| v / 2.0).collect());
    for subject in executors() {
        let sigmoid = floats(&both(&named("sigmoid", 0.0), std::slice::from_ref(&x), &subject)[0]);
        let tanh = floats(&both(&named("tanh", 0.0), std::slice::from_ref(&half), &subject)[0]);
        for ((v, s), t) in x.values.iter().zip(sigmoid).zip(tanh) {
            assert!((s - (1.0 + t) / 2.0).abs() <= 2.0 * OF_AN_EXP, "{}: {v}: {s} {t}", subject.name);
        }
    }
}

#[test]
fn silu_is_x_times_sigmoid() {
    let x = inputs();
    for subject in executors() {
        let sigmoid = floats(&both(&named("sigmoid", 0.0), std::slice::from_ref(&x), &subject)[0]);
        let silu = floats(&both(&named("silu", 0.0), std::slice::from_ref(&x), &subject)[0]);
        for ((v, s), y) in x.values.iter().zip(sigmoid).zip(silu) {
            // Below the least normal number a float32 keeps fewer digits, and devices keep none.
            let bound = 2.0 * OF_AN_EXP * (v * s).abs() + v.abs() * f64::from(f32::MIN_POSITIVE);
            assert!((y - v * s).abs() <= bound, "{}: {v}: {y} and {}", subject.name, v * s);
        }
    }
}

/// elu is the identity above 0, −α far below it, and relu for a vanishing α.
#[test]
fn elu_has_relus_limits() {
    let x = inputs();
    for subject in executors() {
        let elu = |alpha: f64| floats(&both(&named("elu", alpha), std::slice::from_ref(&x), &subject)[0]);
        let (half, vanishing) = (elu(0.5), elu(1e-20));
        let mut far = 0;
        for (i, v) in x.values.iter().copied().enumerate() {
            if v > 0.0 {
                assert!(half[i] == v && vanishing[i] == v, "{}: {v}", subject.name);
            } else {
                assert!((-rounded(1e-20)..=0.0).contains(&vanishing[i]), "{}: {v}: {}", subject.name, vanishing[i]);
                // e^-18 is below a rounding.
                let is_far = v < -18.0;
                assert!(!is_far || half[i] == -0.5, "{}: {v}: {}", subject.name, half[i]);
                far += usize::from(is_far);
            }
        }
        assert!(far > 20, "only {far} are far below 0");
    }
}
