//! WGSL as tokens: as much of its grammar as changes of one token need.

use std::collections::BTreeSet;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Name,
    Number,
    Sign,
}

/// Where a token stands in its text.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub what: What,
    pub from: usize,
    pub to: usize,
}

const SIGNS: [&str; 18] =
    ["<<=", ">>=", "->", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "++", "--", "<<", ">>"];

/// Words that name nothing.
const WORDS: [&str; 18] = [
    "if",
    "else",
    "for",
    "let",
    "var",
    "const",
    "return",
    "switch",
    "case",
    "default",
    "loop",
    "while",
    "break",
    "continue",
    "true",
    "false",
    "fn",
    "continuing",
];

fn tokens(text: &str) -> Vec<Token> {
    let mut out = vec![];
    let mut from = 0;
    while let Some(c) = text[from..].chars().next() {
        let rest = &text[from..];
        let end = |stop: &dyn Fn(char) -> bool| rest.find(stop).unwrap_or(rest.len());
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (what, length) = match c {
            _ if c.is_whitespace() => (None, end(&|c: char| !c.is_whitespace())),
            _ if rest.starts_with("//") => (None, end(&|c| c == '\n')),
            'a'..='z' | 'A'..='Z' | '_' => (Some(What::Name), end(&|c| !in_word(c))),
            '0'..='9' => (Some(What::Number), number_length(rest)),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                (Some(What::Sign), sign.map_or(c.len_utf8(), |sign| sign.len()))
            }
        };
        out.extend(what.map(|what| Token { what, from, to: from + length }));
        from += length;
    }
    out
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let marks: &[u8] = if rest.starts_with("0x") { b"pP" } else { b"eE" };
    let exponent = |i: usize| b"+-".contains(&bytes[i]) && marks.contains(&bytes[i - 1]);
    let inside = |i: &usize| bytes[*i].is_ascii_alphanumeric() || bytes[*i] == b'.' || exponent(*i);
    1 + (1..bytes.len()).take_while(inside).count()
}

/// A text with its tokens.
pub struct Reading<'a> {
    pub text: &'a str,
    pub tokens: Vec<Token>,
}

/// A function: its name, and the ranges of tokens of its parameters and of its body.
pub struct Function<'a> {
    pub name: &'a str,
    pub parameters: (usize, usize),
    pub body: (usize, usize),
}

impl<'a> Reading<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, tokens: tokens(text) }
    }

    /// A token's text; empty behind the end.
    pub fn s(&self, i: usize) -> &'a str {
        self.tokens.get(i).map_or("", |t| &self.text[t.from..t.to])
    }

    /// The text from one token to another.
    pub fn span(&self, first: usize, last: usize) -> &'a str {
        &self.text[self.tokens[first].from..self.tokens[last].to]
    }

    /// Whether a token is a name, and no word of the language.
    pub fn is_name(&self, i: usize) -> bool {
        self.tokens.get(i).is_some_and(|t| t.what == What::Name) && !WORDS.contains(&self.s(i))
    }

    /// The token that closes the bracket at `i`.
    pub fn close(&self, i: usize) -> usize {
        let mut depth = 0;
        let closes = |j: &usize| {
            depth +=
                i32::from(["(", "[", "{"].contains(&self.s(*j))) - i32::from([")", "]", "}"].contains(&self.s(*j)));
            depth == 0
        };
        (i..self.tokens.len()).find(closes).unwrap_or(self.tokens.len() - 1)
    }

    /// Where the arguments of the call whose bracket opens at `open` begin and end, by their first and last tokens.
    pub fn arguments(&self, open: usize) -> Vec<(usize, usize)> {
        let end = self.close(open);
        let (mut out, mut first, mut at) = (vec![], open + 1, open + 1);
        while at < end {
            match self.s(at) {
                "(" | "[" => at = self.close(at),
                "," => {
                    out.push((first, at - 1));
                    first = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        if first < end {
            out.push((first, end - 1));
        }
        out
    }

    pub fn functions(&self) -> Vec<Function<'a>> {
        let heads = (0..self.tokens.len()).filter(|&i| self.s(i) == "fn" && self.s(i + 2) == "(");
        let function = |i: usize| {
            let end = self.close(i + 2);
            let body = (end..self.tokens.len()).find(|&j| self.s(j) == "{")?;
            Some(Function { name: self.s(i + 1), parameters: (i + 3, end), body: (body, self.close(body)) })
        };
        heads.filter_map(function).collect()
    }

    /// The names that `main` names, and those that these name.
    pub fn reached(&self) -> BTreeSet<&'a str> {
        let bodies = self.functions().into_iter().map(|f| (f.name, f.body));
        let named: Vec<_> = bodies.chain(self.declared("const")).collect();
        let mut reached = BTreeSet::from(["main"]);
        loop {
            let of_reached = named.iter().filter(|(name, _)| reached.contains(name));
            let names =
                of_reached.flat_map(|(_, (from, to))| (*from..*to).filter(|&i| self.is_name(i)).map(|i| self.s(i)));
            let more: BTreeSet<&str> = names.chain(reached.iter().copied()).collect();
            if more.len() == reached.len() {
                return reached;
            }
            reached = more;
        }
    }

    /// The members of each struct.
    pub fn structs(&self) -> Vec<Vec<&'a str>> {
        let heads = (0..self.tokens.len()).filter(|&i| self.s(i) == "struct");
        let members = |i: usize| (i + 3..self.close(i + 2)).filter(|&j| self.s(j + 1) == ":" && self.is_name(j));
        heads.map(|i| members(i).map(|j| self.s(j)).collect()).collect()
    }

    /// What is declared by `word` outside of functions: the name, and the tokens up to the semicolon.
    pub fn declared(&self, word: &str) -> Vec<(&'a str, (usize, usize))> {
        let bodies: Vec<_> = self.functions().iter().map(|f| f.body).collect();
        let outside = |i: usize| bodies.iter().all(|&(first, last)| i < first || i > last);
        let heads = (0..self.tokens.len()).filter(|&i| self.s(i) == word && outside(i));
        let named = |i: usize| {
            let name = (i + 1..self.tokens.len()).find(|&j| [":", "="].contains(&self.s(j)))? - 1;
            let end = (name..self.tokens.len()).find(|&j| self.s(j) == ";")?;
            Some((self.s(name), (name + 1, end)))
        };
        heads.filter_map(named).collect()
    }
}
