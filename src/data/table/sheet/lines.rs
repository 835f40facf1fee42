//! The lines of a text.

/// Counts lines up to places that only move forward. The CSV reader's own count is of where it stopped, which is above
/// a row after blank lines and after the first byte of a two-byte line end.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
    /// Whether "\r" stands anywhere in the text.
    returns: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, counted: 0, line: 1, returns: text.contains(&b'\r') }
    }

    /// The line of a byte, from 1; a line ends with "\n", "\r" or both.
    pub(super) fn at(&mut self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        if byte > self.counted {
            let passed = &self.text[self.counted..byte];
            self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
            if self.returns {
                let next = self.text[self.counted + 1..].iter().chain([&0]);
                self.line += passed.iter().zip(next).filter(|&(&byte, &next)| byte == b'\r' && next != b'\n').count();
            }
            self.counted = byte;
        }
        self.line
    }

    /// The line of the first byte from `byte` on that ends no line.
    pub(super) fn at_or_below(&mut self, byte: usize) -> usize {
        let ends = self.text[byte..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.at(byte + ends)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn all_line_ends_count_once() {
        for (text, last) in
            [("a\nb\n\nc", 4), ("a\r\nb\r\n\r\nc", 4), ("a\rb\r\rc", 4), ("a\n\rb", 3), ("a\r", 2), ("", 1)]
        {
            let (mut whole, mut steps) = (Lines::new(text.as_bytes()), Lines::new(text.as_bytes()));
            let by_steps = (0..=text.len()).map(|byte| steps.at(byte)).last();
            assert_eq!((whole.at(text.len()), by_steps), (last, Some(last)), "{text:?}");
        }
        let mut lines = Lines::new(b"a\n\n\r\nb\nc");
        assert_eq!((lines.at_or_below(1), lines.at_or_below(6)), (4, 5));
    }
}
