//! Whether a first row names the columns, as far as the rows below it tell.

use super::class::Class;
use csv::StringRecord;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Rows that are looked at.
const ROWS: usize = 1000;
/// Fields that are looked at, if there are enough rows of them.
const FIELDS: usize = 1 << 21;
/// Rows that are enough.
const FEW_ROWS: usize = 10;
/// Different texts of a column that are kept.
const TEXTS: usize = 250;
/// Rows for each different text, from which on the texts of a column repeat.
const REPEATS: usize = 4;
/// Names of a target column that need not be given, which are names of columns and of nothing else; in any case.
pub(in super::super) const USUAL_TARGETS: [&str; 3] = ["label", "target", "class"];

/// One column below a field of the first row.
#[derive(Debug)]
struct Column {
    name: Class,
    missing: usize,
    numbers: usize,
    quantities: usize,
    texts: usize,
    least: f64,
    largest: f64,
    /// Whether the field of the first row comes again, and whether anything else comes.
    recurs: bool,
    varies: bool,
    different: HashSet<u64>,
}

impl Column {
    fn new(field: &str) -> Self {
        let (name, different) = (Class::of(field), HashSet::new());
        let (least, largest) = (f64::INFINITY, f64::NEG_INFINITY);
        let (missing, numbers, quantities, texts, recurs, varies) = (0, 0, 0, 0, false, false);
        Self { name, missing, numbers, quantities, texts, least, largest, recurs, varies, different }
    }

    fn add(&mut self, name: &str, field: &str, hasher: &RandomState) {
        match Class::of(field) {
            Class::Missing => {
                self.missing += 1;
                return;
            }
            Class::Number => {
                self.numbers += 1;
                let value = field.parse().unwrap_or(f64::NAN);
                (self.least, self.largest) = (self.least.min(value), self.largest.max(value));
            }
            Class::Quantity => self.quantities += 1,
            Class::Text => {
                self.texts += 1;
                if self.name == Class::Text && self.different.len() < TEXTS {
                    self.different.insert(hasher.hash_one(field));
                }
            }
        }
        if field == name { self.recurs = true } else { self.varies = true }
    }

    fn class(&self) -> Class {
        let all = self.numbers + self.quantities + self.texts;
        if all == 0 {
            Class::Missing
        } else if self.numbers * 10 >= all * 9 {
            Class::Number
        } else if (self.numbers + self.quantities) * 10 >= all * 9 {
            Class::Quantity
        } else {
            Class::Text
        }
    }

    /// Whether texts come again and again, and the first row has none of them.
    fn repeats_without_name(&self) -> bool {
        !self.recurs
            && self.different.len() < TEXTS
            && self.texts >= 2 * REPEATS
            && self.different.len() * REPEATS <= self.texts
    }
}

/// What the rows below the first tell of it.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    columns: Vec<Column>,
    rows: usize,
    hasher: RandomState,
}

impl Evidence {
    pub(super) fn new(first: &[String]) -> Self {
        let columns = first.iter().map(|field| Column::new(field)).collect();
        Self { columns, rows: 0, hasher: RandomState::new() }
    }

    /// Whether another row would tell no more.
    pub(super) fn is_enough(&self) -> bool {
        self.rows >= ROWS || self.rows >= FEW_ROWS && self.rows * self.columns.len() >= FIELDS
    }

    /// Takes a row that has as many fields as the first one.
    pub(super) fn add(&mut self, first: &[String], record: &StringRecord) {
        self.rows += 1;
        for ((column, name), field) in self.columns.iter_mut().zip(first).zip(record) {
            column.add(name, field.trim(), &self.hasher);
        }
    }

    /// How many names would be numbers, if the first row held names.
    pub(super) fn numbers(&self) -> usize {
        self.columns.iter().filter(|column| column.name == Class::Number).count()
    }

    /// Whether the first row holds names. What a column says for it: the name is a text above numbers or dates, or above
    /// texts that repeat without it; it is empty where no field below is missing; or it is the usual name of a target.
    /// Against it: the name is a number or date above others, or comes again below beside other texts. Without any sign,
    /// it holds names. A number that lies among those below it outweighs texts that merely lack what the first row has, as
    /// where its class is rare.
    pub(super) fn says_header(&self, first: &[String]) -> bool {
        let (mut names, mut lacking, mut values, mut numbers) = (0, 0, 0, vec![]);
        for (column, field) in self.columns.iter().zip(first) {
            match (column.name, column.class()) {
                _ if USUAL_TARGETS.contains(&field.to_lowercase().as_str()) => names += 1,
                (_, Class::Missing) => {}
                (Class::Missing, _) => names += usize::from(field.is_empty() && column.missing == 0),
                (Class::Number, Class::Number) => numbers.push((field.parse().unwrap_or(f64::NAN), column)),
                (Class::Quantity, Class::Quantity) => values += 1,
                (Class::Text | Class::Quantity, Class::Number) | (Class::Text, Class::Quantity) => names += 1,
                (_, Class::Text) if column.recurs && column.varies => values += 1,
                (Class::Text, Class::Text) if column.repeats_without_name() => lacking += 1,
                _ => {}
            }
        }
        if !are_names(&numbers, names > 0) {
            let lies_among = |(value, column): &(f64, &Column)| (column.least..=column.largest).contains(value);
            if names == 0 && numbers.iter().any(lies_among) {
                return false;
            }
            values += numbers.len();
        }
        values <= names + lacking
    }
}

/// Whether numbers above numbers name columns, as counts from 0 do, years, and measured places such as wavelengths.
fn are_names(numbers: &[(f64, &Column)], others_are: bool) -> bool {
    let values: Vec<f64> = numbers.iter().map(|number| number.0).collect();
    let steps = |step: f64| values.windows(2).all(|pair| pair[1] - pair[0] == step);
    let counts = steps(1.0) || steps(-1.0);
    let rises = values.is_sorted_by(|a, b| a < b);
    let first = values.first().copied().unwrap_or(0.0);
    let outside = numbers.iter().filter(|(value, column)| *value < column.least || *value > column.largest).count();
    match values.len() {
        0 | 1 => false,
        _ if others_are && (counts || rises) => true,
        2 => false,
        3 | 4 => counts && (first == 0.0 || (1000.0..10_000.0).contains(&first)),
        many => counts || rises && outside * 2 >= many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says_header(text: &str) -> bool {
        let mut rows = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
        let first: Vec<String> = rows.next().unwrap_or_default().into_iter().map(str::to_owned).collect();
        let mut evidence = Evidence::new(&first);
        rows.for_each(|row| evidence.add(&first, &StringRecord::from(row)));
        evidence.says_header(&first)
    }

    #[test]
    fn first_rows_with_names_are_recognised() {
        for text in [
            "x,label",
            "x,label\n1,a\n2,b",
            "colour,size\nred,s\nblue,m\nred,l",
            "date,value\n2011-01-01,5\n2011-01-02,6",
            ",a,b\n0,1,2\n1,3,4",
            "0,1,2,label\n5,6,7,a\n8,9,10,b",
            "label,0,1,2,3\na,0,1,0,0\nb,0,0,1,5",
            ",0,1\n0,5.5,3.2\n1,4.5,2.2",
            "880,900.5,label\n5,6,a\n8,9,b",
            "country,2020,2019,2018\nA,5,6,7\nB,8,9,10",
            "id,2020\n1,3.5\n2,4.5",
            "2020,type\n0.1,a\n0.2,b\n0.1,a\n0.3,b\n0.2,a\n0.4,b\n0.1,a\n0.2,b",
            "400,410,420,430,440\n0.1,0.2,0.3,0.2,0.1\n0.1,0.2,0.3,0.2,0.2",
            // A column whose name is one of its values, beside one that repeats without its name.
            "word,type\nword,noun\ngo,verb\nsee,verb\nred,noun\nbig,noun\nsky,noun\nrun,verb\nsit,verb",
            // Answers that repeat the question and nothing else.
            "red,green,age\nred,,20\n,green,30\nred,green,40",
        ] {
            assert!(says_header(text), "{text}");
        }
    }

    #[test]
    fn first_rows_with_values_are_recognised() {
        for text in [
            "5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa",
            "1,0,1\n0,1,0",
            "6,148,72,35,0,33.6\n1,85,66,29,0,26.6",
            "M,0.455,0.365,15\nM,0.35,0.265,7\nF,0.5,0.3,9",
            "31, Private, 771, HS\n32, Private, 772, HS\n33, State, 773, HS",
            "p,x,s\ne,x,s\np,b,y\ne,b,s",
            "5.1,setosa\n4.9,setosa\n6.3,virginica",
            "2011-01-01,5\n2011-01-02,6",
            "1,2,3\n4,5,6\n7,8,9",
            "2,1\n3,4\n1,2",
            // A class that no later row has.
            "5.1,rare\n4.9,a\n6.3,b\n5.2,a\n4.8,b\n5.0,a\n6.1,b\n4.7,a\n5.9,b",
        ] {
            assert!(!says_header(text), "{text}");
        }
    }
}
