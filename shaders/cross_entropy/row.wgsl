// What softmax and cross-entropy make of one row of logits z, with its maximum taken off:
//   p_j = exp(z_j - max) / sum,   loss = log(sum) - Σ_j t_j (z_j - max),   t = (1 - s) onehot + s / classes.
struct Row {
    // Not yet weighted; NaN where the row is not a number.
    loss: f32,
    // Whether the first largest class is the label, if the loss is a number.
    right: bool,
    largest: f32,
    sum: f32,
    // NaN where all of the row is: a logit is NaN, or the largest is infinite, which taken off itself is no number. Else 0.
    bad: f32,
}

fn softmax(first: u32, label: u32, classes: u32, smoothing: f32) -> Row {
    var best = 0u;
    var largest = output(first);
    var bad = 0.0;
    for (var j = 0u; j < classes; j++) {
        let z = output(first + j);
        if (z > largest) {
            best = j;
            largest = z;
        }
        bad = select(bad, z, is_nan(z));
    }
    // By bits, for a driver's exp and log may make a number of NaN.
    if (!is_finite(largest) && !is_nan(bad)) {
        bad = bitcast<f32>(bitcast<u32>(largest) | 0x7fc00000u);
    }
    var sum = 0.0;
    var all = 0.0;
    var z_label = 0.0;
    for (var j = 0u; j < classes; j++) {
        let z = output(first + j) - largest;
        sum += exp(z);
        all += z;
        z_label = select(z_label, z, j == label);
    }
    let share = smoothing / f32(classes);
    var loss = log(sum) - (1.0 - smoothing) * z_label;
    // Only with smoothing: an infinite term times 0 would make the loss NaN.
    if (unfolded(bitcast<u32>(smoothing)) > 0u) {
        loss -= share * all;
    }
    if (is_nan(bad)) {
        loss = bad;
    }
    return Row(loss, best == label, largest, sum, bad);
}

fn probability(row: Row, i: u32) -> f32 {
    let p = exp(output(i) - row.largest) / row.sum;
    return select(p, row.bad, is_nan(row.bad));
}
