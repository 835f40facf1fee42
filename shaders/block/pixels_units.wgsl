fn finish(column: u32, first: u32, step: u32) {
    for (var r = first; r < end; r += step) {
        unit(r, column);
    }
}
