// The step after the one at hand, by its words: the next line of the step table. A halted run stays where it is, and what
// was skipped is over.
fn following(at_hand: Now, i: u32, lines: u32) -> u32 {
    let word = word_of(at_hand, i);
    if (at_hand.halted != 0u && at_hand.halted != SKIPPED) {
        return word;
    }
    let index = at_hand.index + 1u;
    // Start, rows, rate and step are the words of a line.
    if (i >= 1u && i <= 4u && index < lines) {
        return table[index * 4u + i - 1u];
    }
    return select(select(word, index, i == 0u), 0u, i == 5u);
}
