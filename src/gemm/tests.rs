use super::*;
use crate::random::{Domain, Stream};
use ndarray::{Array1, Array2, s};
use pulp::{Scalar128b, Scalar512b};
use rand::RngExt;

fn random(rows: usize, columns: usize, index: u32) -> Array2<f32> {
    let mut stream = Stream::new(3, Domain::Check, index);
    Array2::from_shape_simple_fn((rows, columns), || stream.random_range(-1.0..1.0))
}

/// Sizes around tiles, blocks of k, blocks of rows and blocks of columns.
const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [6, 16, 8],
    [7, 17, 9],
    [13, 10, 33],
    [32, 31, 300],
    [121, 18, 257],
    [5, 1030, 20],
    [256, 70, 128],
    [2, 2, 0],
];

/// Every operand as it is, transposed, and with gaps along both axes.
fn forms(rows: usize, columns: usize, index: u32) -> [Array2<f32>; 3] {
    [random(rows, columns, index), random(columns, rows, index), random(2 * rows, 3 * columns, index)]
}

fn views(forms: &[Array2<f32>; 3]) -> [ArrayView2<'_, f32>; 3] {
    [forms[0].view(), forms[1].t(), forms[2].slice(s![..;2, ..;3])]
}

fn assert_is_product(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, c: ArrayView2<'_, f32>) {
    for ((i, j), c) in c.indexed_iter() {
        let terms = || a.row(i).into_iter().zip(b.column(j)).map(|(a, b)| f64::from(*a) * f64::from(*b));
        let size: f64 = terms().map(f64::abs).sum();
        let gap = (f64::from(*c) - terms().sum::<f64>()).abs();
        assert!(gap <= 3e-7 * (a.ncols() as f64).sqrt() * size, "{:?} [{i}, {j}]: {c}, off by {gap}", a.dim());
    }
}

#[test]
fn products_agree_with_the_definition() {
    for [m, n, k] in SIZES {
        let (a, b) = (forms(m, k, 1), forms(k, n, 2));
        for (a, b) in views(&a).into_iter().flat_map(|a| views(&b).map(|b| (a, b))) {
            let mut whole = Array2::from_elem((m, n), f32::NAN);
            gemm(a, b, whole.view_mut());
            assert_is_product(a, b, whole.view());
            let mut parts = Array2::from_elem((m, n), f32::NAN);
            let mut memory = vec![f32::NAN; Packed::floats((m, k))];
            let packed = Packed::new(Form::Panels, a, &mut memory);
            for j in (0..n).step_by(50) {
                let end = n.min(j + 50);
                packed.gemm(b.slice(s![.., j..end]), parts.slice_mut(s![.., j..end]));
            }
            assert_eq!(whole, parts, "bits of a packed product");
            // What is compiled for no instruction set in particular, and for vectors as wide as those of AVX-512, into a
            // part of a larger matrix.
            for wide in [false, true] {
                let mut larger = Array2::from_elem((m + 1, n + 3), 7.0);
                let mut scratch = Scratch::new();
                scratch.grow();
                let c = larger.slice_mut(s![..m, 1..=n]);
                let whole = dense::Product { a: Left::Matrix(a), size: (m, k), b, c, scratch: &mut scratch };
                if wide {
                    dense::product::<_, 32, false>(Scalar512b, whole);
                } else {
                    dense::product::<_, 8, false>(Scalar128b, whole);
                }
                assert_is_product(a, b, larger.slice(s![..m, 1..=n]));
                assert!(larger.column(0).iter().chain(larger.row(m)).chain(larger.column(n + 1)).all(|c| *c == 7.0));
            }
        }
    }
}

#[test]
fn bits_do_not_depend_on_cuts() {
    for (a, b) in [
        (random(130, 700, 1), random(700, 200, 2)),
        (mostly_zeros(130, 700, 1), random(700, 200, 2)),
        (random(130, 700, 1), mostly_zeros(700, 200, 2)),
    ] {
        assert_no_cut_shows(&a, &b);
    }
}

fn assert_no_cut_shows(a: &Array2<f32>, b: &Array2<f32>) {
    let mut want = Array2::zeros((130, 200));
    gemm(a.view(), b.view(), want.view_mut());
    for threads in [1, 2, 3, 7] {
        let mut got = Array2::zeros((130, 200));
        threads::with(threads, || {
            gemm_on_all(a.view(), b.view(), got.view_mut(), |[i, j], mut block| {
                assert!(threads == 1 || block.len() < 130 * 200, "in one block");
                let own = want.slice(s![i..i + block.nrows(), j..j + block.ncols()]);
                assert!(block == own);
                block += 1.0;
            });
        });
        // Every element has had its end, and only once.
        assert!(got == &want + 1.0, "{threads} threads");
        // The same product the other way round has more rows than columns.
        let mut across = Array2::zeros((200, 130));
        threads::with(threads, || gemm_on_all(b.t(), a.t(), across.view_mut(), |_, _| ()));
        assert!(across.t() == want, "{threads} threads, cut along rows");
    }
}

#[test]
fn tasks_are_done_together() {
    // By panels, by lists both ways, by rows, and sums; some too small for threads.
    let sizes = [[130, 200, 300], [130, 200, 129], [200, 130, 129], [3, 70, 40], [200, 90, 129]];
    let a: [_; 5] = sizes.map(|[m, _, k]| if m == 130 && k == 129 { mostly_zeros(m, k, 1) } else { random(m, k, 1) });
    let b: [_; 5] = sizes.map(|[m, n, k]| if m == 200 && n == 130 { mostly_zeros(k, n, 2) } else { random(k, n, 2) });
    for threads in [1, 2, 3] {
        let mut c = sizes.map(|[m, n, _]| Array2::from_elem((m, n), f32::NAN));
        let mut sums = Array2::from_elem((1, 200), f32::NAN);
        let [c0, c1, c2, c3, c4] = c.each_mut();
        let product = |i: usize, c| Task::Product { a: a[i].view(), b: b[i].view(), c };
        let all = [
            Task::nothing(),
            product(3, c3.view_mut()),
            product(1, c1.view_mut()),
            Task::Sums { b: b[0].view(), c: sums.view_mut() },
            product(0, c0.view_mut()),
            product(4, c4.view_mut()),
            product(2, c2.view_mut()),
        ];
        threads::with(threads, || run_on_all(all));
        for ((a, b), c) in a.iter().zip(&b).zip(&c) {
            let mut want = Array2::zeros(c.dim());
            gemm(a.view(), b.view(), want.view_mut());
            assert!(*c == want, "bits of one product by itself, {threads} threads");
        }
        let want = b[0].rows().into_iter().fold(Array1::zeros(200), |sums: Array1<f32>, row| sums + row);
        assert!(sums.row(0) == want, "bits of sums over the rows in order, {threads} threads");
    }
}

#[test]
#[should_panic(expected = "rows of a sum are contiguous")]
fn sums_of_what_does_not_lie_by_rows_are_refused() {
    let (b, mut c) = (random(20, 30, 1), Array2::zeros((1, 20)));
    run_on_all([Task::Sums { b: b.t(), c: c.view_mut() }]);
}

#[test]
fn nan_and_infinities_go_through() {
    let (mut a, b) = (Array2::zeros((9, 20)), Array2::<f32>::zeros((20, 17)));
    (a[[3, 5]], a[[4, 19]]) = (f32::NAN, f32::INFINITY);
    let mut c = Array2::zeros((9, 17));
    gemm(a.view(), b.view(), c.view_mut());
    for ((i, _), c) in c.indexed_iter() {
        assert_eq!(c.is_nan(), i == 3 || i == 4, "row {i}");
    }
}

/// About one value of four is not zero.
fn mostly_zeros(rows: usize, columns: usize, index: u32) -> Array2<f32> {
    let mut stream = Stream::new(4, Domain::Check, index);
    random(rows, columns, index).mapv_into(|x| if stream.random_bool(0.75) { 0.0 } else { x })
}

#[test]
fn lists_give_the_bits_of_panels() {
    // Around passes, blocks of rows, strips and blocks of k.
    for [m, n, k] in [
        [1, 1, 9],
        [32, 64, 128],
        [65, 33, 512],
        [17, 63, 127],
        [129, 65, 129],
        [40, 200, 700],
        [65, 33, 513],
        [16, 64, 1030],
    ] {
        let b = forms(k, n, 2);
        // Lists have room for values that are none of them zero.
        for a in [mostly_zeros(m, k, 1), mostly_zeros(k, m, 1).reversed_axes(), random(m, k, 1)] {
            for (b, is_finite) in views(&b).into_iter().flat_map(|b| [(b, true), (b, false)]) {
                let (mut a, mut b) = (a.clone(), b.to_owned());
                if !is_finite {
                    (b[[k / 2, 0]], b[[k - 1, n - 1]], a[[m - 1, k / 3]]) = (f32::NAN, f32::INFINITY, f32::NAN);
                }
                let [mut want, mut got, mut wide] = [0, 1, 2].map(|_| Array2::from_elem((m, n), 7.0));
                gemm(a.view(), b.view(), want.view_mut());
                let mut memory = vec![f32::NAN; Packed::floats((m, k))];
                Packed::new(Form::Lists, a.view(), &mut memory).gemm(b.view(), got.view_mut());
                let mut across = Array2::from_elem((n, m), 7.0);
                Packed::new(Form::Lists, a.view(), &mut memory).gemm(b.view(), across.view_mut().reversed_axes());
                let same = |got: ArrayView2<'_, f32>| {
                    want.iter()
                        .zip(got)
                        .all(|(want, got)| want.to_bits() == got.to_bits() || want.is_nan() && got.is_nan())
                };
                assert!(same(got.view()) && same(across.t()), "{m}, {n}, {k}, finite: {is_finite}");
                let (mut scratch, lists) = (Scratch::new(), &memory[..]);
                scratch.grow();
                let whole =
                    sparse::Product { a: a.view(), lists, b: b.view(), c: wide.view_mut(), scratch: &mut scratch };
                sparse::product::<_, 4, 64, true>(Scalar512b, whole);
                assert!(same(wide.view()), "{m}, {n}, {k}, wide vectors");
            }
        }
    }
}

#[test]
fn lists_are_taken_where_they_pay() {
    let (zeros, dense) = (mostly_zeros(128, 700, 1), random(128, 700, 1));
    threads::with(2, || {
        assert_eq!(Form::of(zeros.view(), 128), Form::Lists);
        assert_eq!(Form::of(zeros.t(), 128), Form::Lists);
        assert_eq!(Form::of(zeros.view(), 127), Form::Panels, "few columns for each thread");
        assert_eq!(Form::of(dense.view(), 128), Form::Panels);
        // All of one block of k.
        let mut block = zeros.clone();
        block.slice_mut(s![1.., 350..]).fill(1.0);
        assert_eq!(Form::of(block.view(), 128), Form::Panels);
        assert_eq!(Form::of(Array2::zeros((128, 700)).view(), 128), Form::Lists);
    });
}

#[test]
fn masked_products_have_what_is_asked_for() {
    // Around passes, and with few columns.
    for [m, n, k] in [[1, 1, 1], [7, 64, 127], [33, 17, 128], [5, 63, 300], [64, 64, 784]] {
        let (a, b, h) = (random(m, k, 1), forms(k, n, 2), random(m, n, 3));
        for b in views(&b) {
            let masks: Vec<Mask> = h.rows().into_iter().map(|h| mask_of(&h.to_vec())).collect();
            let mut c = vec![[f32::NAN; 64]; m];
            gemm_masked(a.view(), b, &masks, &mut c);
            let got = matrix(c.as_flattened(), m, 64).slice_move(s![.., ..n]);
            for ((i, j), got) in got.indexed_iter() {
                if h[[i, j]] > 0.0 {
                    assert_is_product(a.slice(s![i..=i, ..]), b.slice(s![.., j..=j]), matrix(&[*got], 1, 1));
                } else {
                    assert_eq!(*got, 0.0, "{m}, {n}, {k}: [{i}, {j}]");
                }
            }
        }
    }
}

#[test]
fn masks_ask_for_what_is_over_zero() {
    assert_eq!(mask_of(&[0.0, 1.0, -1.0, f32::NAN, f32::INFINITY]), [0b1_0010, 0]);
    let mut row = [0.0; 64];
    (row[31], row[32], row[63]) = (1.0, 1.0, 1.0);
    assert_eq!(mask_of(&row), [1 << 31, 1 | 1 << 31]);
    let half = Array2::from_shape_fn((9, 64), |(i, j)| if (i + j) % 2 == 0 { 1.0 } else { -1.0 });
    assert!(is_worth_a_mask(half.view(), 64) && !is_worth_a_mask(half.view(), 63));
    assert!(!is_worth_a_mask((half + 1.5).view(), 64));
}
