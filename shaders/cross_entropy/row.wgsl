// What softmax and cross-entropy make of one row of logits z, with its maximum taken off:
//   p_j = exp(z_j - max) / sum,   loss = log(sum) - Σ_j t_j (z_j - max),   t = (1 - s) onehot + s / classes.
struct Row {
    // Not yet weighted; NaN where a logit is.
    loss: f32,
    // Whether the first largest class is the label and the loss is a number.
    right: bool,
    largest: f32,
    sum: f32,
    // A NaN among the logits, if there is one, else 0.
    bad: f32,
}

fn softmax(first: u32, label: u32, classes: u32, smoothing: f32) -> Row {
    var best = 0u;
    var largest = logit(first);
    var bad = 0.0;
    for (var j = 0u; j < classes; j++) {
        let z = logit(first + j);
        if (z > largest) {
            best = j;
            largest = z;
        }
        bad = select(bad, z, is_nan(z));
    }
    var sum = 0.0;
    var all = 0.0;
    var z_label = 0.0;
    for (var j = 0u; j < classes; j++) {
        let z = logit(first + j) - largest;
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
    return Row(loss, best == label && !is_nan(loss), largest, sum, bad);
}

fn probability(row: Row, i: u32) -> f32 {
    let p = exp(logit(i) - row.largest) / row.sum;
    return select(p, row.bad, is_nan(row.bad));
}
