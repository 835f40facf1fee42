// The mean of the losses of a row's outputs, and whether the first largest output is that of the class.
struct Row {
    loss: f32,
    right: bool,
}

// The one-hot vector of a class: 1 for its own output, 0 for the others.
fn one_hot(j: u32, label: u32) -> f32 {
    return select(0.0, 1.0, j == label);
}

fn row_of(first: u32, label: u32, outputs: u32) -> Row {
    var best = 0u;
    var largest = output(first);
    var sum = 0.0;
    for (var j = 0u; j < outputs; j++) {
        let y = output(first + j);
        if (y > largest) {
            best = j;
            largest = y;
        }
        sum += element_loss(y, one_hot(j, label));
    }
    let loss = sum / f32(args.outputs);
    return Row(loss, best == label && !is_nan(loss));
}
