//! The contents of a subject's memory before a dispatch: those of the judge's, with poison where nothing was written.

/// The kind of poison in the subject's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poison {
    /// The NaN that the judge's memory has.
    Nan,
    /// A large number, which changes where a kernel computes with it.
    Number,
}

/// The poison of one word: a NaN that no kernel makes, and that no other word near it has. A word that was copied from
/// elsewhere, or computed from another NaN, differs from it.
pub(super) fn own(buffer: usize, word: usize) -> u32 {
    0x7fc0_0001 + place(buffer, word)
}

/// The same as a number, from 4e37 on.
fn number(buffer: usize, word: usize) -> u32 {
    0x7e00_0001 + place(buffer, word)
}

fn place(buffer: usize, word: usize) -> u32 {
    (buffer as u32 * 0x9e37 + word as u32) % 0x003f_fff0
}

/// The words to be written into a subject's buffer of `length` words; poison follows where it is longer than the judge's.
pub(super) fn to_subject(buffer: usize, words: &[u32], length: usize, poison: Poison) -> Vec<u32> {
    let guards = (words.len()..length).map(|word| own(buffer, word));
    let mut all: Vec<u32> = words.iter().copied().chain(guards).collect();
    if poison == Poison::Number {
        change(&mut all, buffer, own, number);
    }
    all
}

/// What a subject's buffer holds, in the judge's terms.
pub(super) fn from_subject(buffer: usize, mut words: Vec<u32>, poison: Poison) -> Vec<u32> {
    if poison == Poison::Number {
        change(&mut words, buffer, number, own);
    }
    words
}

fn change(words: &mut [u32], buffer: usize, from: fn(usize, usize) -> u32, to: fn(usize, usize) -> u32) {
    for (i, word) in words.iter_mut().enumerate().filter(|(i, word)| **word == from(buffer, *i)) {
        *word = to(buffer, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poison_is_one_for_each_word_and_comes_back() {
        let words = [own(1, 0), 7, own(1, 1)];
        let given = to_subject(1, &words, 5, Poison::Number);
        assert!(f32::from_bits(given[0]).is_finite() && given[0] != given[3], "{given:x?}");
        // The third word is the poison of another place, so it is no poison here.
        assert_eq!(given[1..3], words[1..]);
        assert_eq!(from_subject(1, given, Poison::Number), [words[0], 7, words[2], own(1, 3), own(1, 4)]);
        assert!((0..9000).all(|i| f32::from_bits(own(3, i)).is_nan() && own(3, i) != own(2, i)));
    }
}
