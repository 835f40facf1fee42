//! Changes of one token or statement.
//!
//! What is the same by its form is left out: the arguments of `min`, `max` and `dot` in another order; an unsigned number
//! compared with 0 in another way; 0 taken off, not added; and a count from 0 by ones that ends where it is no longer different from its end.

use crate::text::{Reading, What};
use std::collections::BTreeSet;

/// A piece of a text, and what is to stand there.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: &'static str,
    pub from: usize,
    to: usize,
    with: String,
}

impl Change {
    pub fn apply(&self, text: &str) -> String {
        format!("{}{}{}", &text[..self.from], self.with, &text[self.to..])
    }

    /// The changed lines before and after, with one space between words.
    pub fn lines(&self, text: &str) -> [String; 2] {
        let head = text[..self.from].rfind('\n').map_or(0, |i| i + 1);
        let tail = self.to + text[self.to..].find('\n').unwrap_or(text.len() - self.to);
        let after = format!("{}{}{}", &text[head..self.from], self.with, &text[self.to..tail]);
        [&text[head..tail], &after].map(|lines| lines.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

const SIGNS: [(&str, &[&str]); 4] = [
    ("arith", &["+", "-", "*", "/"]),
    ("arith", &["+=", "-=", "*=", "/="]),
    ("compare", &["<", "<=", ">", ">=", "==", "!="]),
    ("bits", &["&", "|", "^", "<<", ">>"]),
];

/// All changes of the functions and constants of a text that are part of what `main` does.
pub fn changes(text: &str) -> Vec<Change> {
    let r = Reading::new(text);
    let mut finder = Finder { constants: r.declared("const").iter().map(|c| c.0).collect(), r: &r, out: vec![] };
    let reached = r.reached();
    for function in r.functions().into_iter().filter(|f| reached.contains(f.name)) {
        let (from, to) = function.parameters;
        let parameters = (from..to).filter(|&i| r.is_name(i) && r.s(i + 1) == ":").map(|i| r.s(i));
        let body = function.body.0 + 1..function.body.1;
        let declares = |i: &usize| ["let", "var", "const"].contains(&r.s(*i));
        let locals: BTreeSet<&str> = parameters.chain(body.clone().filter(declares).map(|i| r.s(i + 1))).collect();
        body.clone().for_each(|i| finder.token(i, &locals));
        finder.statements(body.start, body.end);
    }
    for (_, (from, to)) in r.declared("const").into_iter().filter(|(name, _)| reached.contains(name)) {
        (from..to).for_each(|i| finder.token(i, &BTreeSet::new()));
    }
    finder.out
}

struct Finder<'a> {
    r: &'a Reading<'a>,
    constants: Vec<&'a str>,
    out: Vec<Change>,
}

impl<'a> Finder<'a> {
    fn add(&mut self, kind: &'static str, [first, last]: [usize; 2], with: impl Into<String>) {
        let tokens = &self.r.tokens;
        self.out.push(Change { kind, from: tokens[first].from, to: tokens[last].to, with: with.into() });
    }

    fn token(&mut self, i: usize, locals: &BTreeSet<&'a str>) {
        match self.r.tokens[i].what {
            What::Sign => self.sign(i),
            What::Number => numbers(self.r.s(i)).into_iter().for_each(|with| self.add("literal", [i, i], with)),
            What::Name if self.r.s(i) == "if" && self.r.s(i + 1) == "(" => self.condition(i + 1),
            What::Name if self.r.is_name(i) => self.name(i, locals),
            What::Name => {}
        }
    }

    fn sign(&mut self, i: usize) {
        let (r, s) = (self.r, self.r.s(i));
        for (kind, signs) in SIGNS.iter().filter(|(_, signs)| signs.contains(&s)) {
            signs.iter().filter(|o| **o != s && !same(r, i, o)).for_each(|o| self.add(kind, [i, i], *o));
        }
        if s == "%" {
            ["*", "/", "+"].iter().for_each(|o| self.add("arith", [i, i], *o));
        }
        if s == "&&" || s == "||" {
            self.add("logic", [i, i], if s == "&&" { "||" } else { "&&" });
        }
    }

    fn condition(&mut self, open: usize) {
        let end = self.r.close(open);
        self.add("negate", [open, end], format!("(!{})", self.r.span(open, end)));
        ["(true)", "(false)"].iter().for_each(|with| self.add("guard", [open, end], *with));
    }

    fn name(&mut self, i: usize, locals: &BTreeSet<&'a str>) {
        let (r, s) = (self.r, self.r.s(i));
        if r.s(i - 1) == "." {
            return self.member(i);
        }
        if r.s(i + 1) == "(" {
            return self.call(i);
        }
        if ["let", "var", "const"].contains(&r.s(i - 1)) {
            return;
        }
        let globals: Vec<&str> =
            r.declared("var").iter().map(|v| v.0).filter(|g| !["args", "now"].contains(g)).collect();
        if locals.contains(s) || self.constants.contains(&s) {
            let others: Vec<&str> = locals.iter().chain(&self.constants).copied().filter(|o| *o != s).collect();
            others.into_iter().for_each(|o| self.add("name", [i, i], o));
        } else if globals.contains(&s) {
            globals.into_iter().filter(|o| *o != s).for_each(|o| self.add("name", [i, i], o));
        }
    }

    fn member(&mut self, i: usize) {
        let s = self.r.s(i);
        if s.chars().all(|c| "xyzw".contains(c)) {
            for (at, c) in s.char_indices() {
                for other in "xyzw".chars().filter(|other| *other != c) {
                    self.add("swizzle", [i, i], format!("{}{other}{}", &s[..at], &s[at + 1..]));
                }
            }
            return;
        }
        // Those of another struct are no member; naga says so.
        let fields: BTreeSet<&str> = self.r.structs().into_iter().filter(|f| f.contains(&s)).flatten().collect();
        fields.into_iter().filter(|f| *f != s).for_each(|f| self.add("field", [i, i], f));
    }

    fn call(&mut self, i: usize) {
        let s = self.r.s(i);
        if s == "min" || s == "max" {
            self.add("call", [i, i], if s == "min" { "max" } else { "min" });
        }
        if ["min", "max", "dot"].contains(&s) {
            return;
        }
        for pair in self.r.arguments(i + 1).windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|(first, last)| self.r.span(first, last));
            if a != b {
                self.add("swap", [pair[0].0, pair[1].1], format!("{b}, {a}"));
            }
        }
    }

    /// Statements that declare nothing, each left out.
    fn statements(&mut self, first: usize, last: usize) {
        let (mut at, mut start) = (first, first);
        while at < last {
            match self.r.s(at) {
                "(" | "[" => at = self.r.close(at),
                "{" | "}" | ":" => start = at + 1,
                ";" => {
                    let head = self.r.s(start);
                    let bare = ["break", "continue"].contains(&head) || head == "return" && start + 1 == at;
                    if self.r.is_name(start) || bare {
                        let barrier = head.ends_with("Barrier");
                        self.add(if barrier { "barrier" } else { "delete" }, [start, at], "");
                    }
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// Whether another sign in a place says the same.
fn same(r: &Reading<'_>, i: usize, other: &str) -> bool {
    let both = |a: &str, b: &str| [r.s(i), other] == [a, b] || [r.s(i), other] == [b, a];
    if r.s(i + 1) == "0u" && (both(">", "!=") || both("<=", "==")) {
        return true;
    }
    if r.s(i + 1) == "0u" && both("+", "-") {
        return true;
    }
    // for (var i = 0u; i < n; i++)
    let counter = r.s(i - 1);
    let from_0 = [i - 4, i - 3, i - 2].map(|at| r.s(at)) == ["=", "0u", ";"];
    let end = (i..r.tokens.len()).find(|&at| r.s(at) == ";").unwrap_or(i);
    both("<", "!=") && from_0 && [end + 1, end + 2].map(|at| r.s(at)) == [counter, "++"]
}

/// Numbers near a number, and 0.
fn numbers(s: &str) -> Vec<String> {
    if let Some(hex) = s.strip_prefix("0x") {
        let (digits, suffix) = hex.strip_suffix('u').map_or((hex, ""), |digits| (digits, "u"));
        // A power of two as it is written: 0x1p40.
        if let Some((one, exponent)) = hex.trim_end_matches('f').split_once('p') {
            let n: i32 = exponent.parse().unwrap_or_else(|_| panic!("{s} is no number"));
            return [n + 1, n - 1].iter().map(|n| format!("0x{one}p{n}")).chain(["0.0".to_owned()]).collect();
        }
        let n = u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{s} is no number"));
        let of = BTreeSet::from([n + 1, n.saturating_sub(1), 0]);
        return of.iter().filter(|m| **m != n && **m < 1 << 32).map(|m| format!("{m}{suffix}")).collect();
    }
    if s.contains(['.', 'e', 'E']) || s.ends_with(['f', 'h']) {
        let n: f64 = s.trim_end_matches(['f', 'h']).parse().unwrap_or_else(|_| panic!("{s} is no number"));
        let of = [n + 1.0, n - 1.0, 0.0].into_iter().filter(|m| *m as f32 != n as f32);
        return of.map(|m| if m < 0.0 { format!("({m:?})") } else { format!("{m:?}") }).collect();
    }
    let digits = s.trim_end_matches(['u', 'i']);
    let n: i64 = digits.parse().unwrap_or_else(|_| panic!("{s} is no number"));
    let of: BTreeSet<i64> = [n + 1, n - 1, 0].into_iter().filter(|m| *m != n && *m >= 0).collect();
    of.into_iter().map(|m| format!("{m}{}", &s[digits.len()..])).collect()
}
