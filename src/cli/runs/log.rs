//! Tables of numbers that a run writes as it goes. A run that was ended may have left a line that is not whole, and one that
//! diverged has values that are no numbers: neither keeps the rest from being read.

use std::path::Path;

/// A table of numbers. What is empty or not finite in the file is NaN.
#[derive(Debug, Default)]
pub(in crate::cli) struct Log {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
    /// What is missing or not whole, in sentences.
    pub(in crate::cli) notes: Vec<String>,
}

impl Log {
    /// Reads a table of a run folder.
    pub(super) fn read(run: &Path, name: &str) -> Self {
        match std::fs::read(run.join(name)) {
            Ok(bytes) => Self::of(&String::from_utf8_lossy(&bytes), name),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                Self { notes: vec![format!("{name} is not there")], ..Self::default() }
            }
            Err(why) => {
                let notes = vec![format!("{name} cannot be read: {}", crate::files::reason(&why))];
                Self { notes, ..Self::default() }
            }
        }
    }

    fn of(text: &str, name: &str) -> Self {
        let mut lines = text.split_inclusive('\n');
        let header = lines.next().unwrap_or_default().trim_end();
        let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
        let (mut rows, mut cut, mut odd) = (vec![], 0, 0);
        for line in lines {
            let fields: Vec<&str> = line.trim_end().split(',').collect();
            let numbered = fields[0].parse::<u64>().is_ok();
            // A number that lacks its end would be read as another one.
            if !line.ends_with('\n') || fields.len() != columns.len() || !numbered {
                cut += 1;
                continue;
            }
            let value = |field: &&str| field.parse::<f64>().ok().filter(|value| value.is_finite());
            odd += fields.iter().filter(|field| !field.is_empty() && value(field).is_none()).count();
            rows.push(fields.iter().map(|field| value(field).unwrap_or(f64::NAN)).collect());
        }
        let mut notes = vec![];
        if cut > 0 {
            let (lines, are) = if cut == 1 { ("line", "is") } else { ("lines", "are") };
            notes.push(format!("{cut} {lines} of {name} {are} not whole and left out"));
        }
        if odd > 0 {
            let (values, are) =
                if odd == 1 { ("value", "is no finite number") } else { ("values", "are no finite numbers") };
            notes.push(format!("{odd} {values} in {name} {are}: the curve has a gap there"));
        }
        Self { columns, rows, notes }
    }

    /// The number of rows that are whole.
    pub(in crate::cli) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Points of one column against another; none if there is no such column, or it has no value.
    pub(in crate::cli) fn points(&self, x: &str, y: &str) -> Vec<[f64; 2]> {
        let at = |name: &str| self.columns.iter().position(|column| column == name);
        let Some((x, y)) = at(x).zip(at(y)) else { return vec![] };
        let points: Vec<[f64; 2]> = self.rows.iter().map(|row| [row[x], row[y]]).collect();
        if points.iter().all(|point| point[1].is_nan()) { vec![] } else { points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_is_left_out_and_said() {
        let log = Log::of("step,loss\n0,1.5\n1,NaN\n2,inf\nx,1\n3,1,2\n4,0.5\n5,0.2", "steps.csv");
        let points = log.points("step", "loss");
        assert_eq!((log.len(), points[0], points[3]), (4, [0.0, 1.5], [4.0, 0.5]));
        assert!(points[1][1].is_nan() && points[2][1].is_nan());
        assert_eq!(
            log.notes,
            [
                "3 lines of steps.csv are not whole and left out",
                "2 values in steps.csv are no finite numbers: the curve has a gap there"
            ]
        );
        assert!(log.points("step", "other").is_empty() && Log::of("", "steps.csv").len() == 0);
        // An empty field is no fault: nothing was measured.
        let log = Log::of("epoch,a,b\n1,0.5,\n", "epochs.csv");
        assert!(log.notes.is_empty() && log.points("epoch", "b").is_empty());
    }
}
