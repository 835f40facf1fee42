//! What an example says: what was done, a table, and whether each claim holds.

use super::Setup;
use std::fmt;
use std::path::PathBuf;

/// A report, printed when it is whole.
#[derive(Clone, Debug, Default)]
pub struct Report {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    claims: Vec<(String, bool)>,
    plots: Vec<PathBuf>,
}

impl Report {
    /// Begins with what is shown, on what data, with which seeds.
    pub fn new(setup: &Setup, what: &str, data: &str, seeds: &[u64]) -> Self {
        let list: Vec<String> = seeds.iter().map(ToString::to_string).collect();
        let seeds = format!("{} {}", if seeds.len() == 1 { "seed" } else { "seeds" }, list.join(" "));
        Self { head: vec![what.into(), format!("data: {data}; {seeds}; {}", setup.device)], ..Self::default() }
    }

    /// Adds a line of the table; the first is its header.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    /// Adds a claim, and whether the numbers bear it out.
    pub fn claim(&mut self, text: &str, holds: bool) {
        self.claims.push((text.into(), holds));
    }

    /// Adds a plot.
    pub fn plot(&mut self, path: PathBuf) {
        self.plots.push(path);
    }
}

/// Names to the left and numbers to the right.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let width = |column: usize| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let number = |cell: &&String| cell.trim_end_matches([' ', '%']).parse::<f64>().is_ok();
        let right: Vec<bool> = (0..columns).map(|column| cells(column).skip(1).any(|cell| number(&cell))).collect();
        for row in &self.rows {
            let line: Vec<String> = row
                .iter()
                .zip(&right)
                .enumerate()
                .map(|(column, (cell, right))| match right {
                    true => format!("{cell:>0$}", width(column)),
                    false => format!("{cell:<0$}", width(column)),
                })
                .collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        writeln!(f)?;
        for (claim, holds) in &self.claims {
            writeln!(f, "{}: {claim}", if *holds { "holds" } else { "does not hold" })?;
        }
        self.plots.iter().try_for_each(|path| writeln!(f, "plot: {}", path.display()))
    }
}
