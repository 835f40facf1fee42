//! Dates and times as numbers.

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How dates may be written, in the language of `strftime`; a time of day may follow each. Of two that read a column
/// equally well the first is taken: the month first with slashes and dashes, the day first with points.
const DATES: [&str; 24] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%y/%m/%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d-%m-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%a, %d %b %Y",
    "%Y-%m",
];

/// A time of day without a date.
const TIME: &str = "%H:%M";

/// How times of day may be written.
const TIMES: [&str; 4] = ["%I:%M:%S %p", "%I:%M %p", "%H:%M:%S%.f", "%H:%M"];

/// Different texts by which formats are chosen that are then tried on all.
const TRIED: usize = 64;

const SECONDS_OF_DAY: f64 = 86_400.0;

/// A part of a date that comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// 1 for January to 12.
    Month,
    /// 1 for Monday to 7.
    Weekday,
    /// The hour of the day, 0 to 23.
    Hour,
}

impl DatePart {
    /// All parts, from the slowest to the fastest.
    pub(super) const ALL: [Self; 3] = [Self::Month, Self::Weekday, Self::Hour];

    /// The part of a moment, in seconds since 1970.
    pub(super) fn of(self, seconds: f64) -> f64 {
        match self {
            Self::Month => {
                let moment = Timestamp::from_second(seconds.floor() as i64).unwrap_or(Timestamp::UNIX_EPOCH);
                f64::from(Offset::UTC.to_datetime(moment).month())
            }
            // The first of January 1970 was a Thursday.
            Self::Weekday => ((seconds / SECONDS_OF_DAY).floor() + 3.0).rem_euclid(7.0) + 1.0,
            Self::Hour => (seconds.rem_euclid(SECONDS_OF_DAY) / 3600.0).floor(),
        }
    }
}

impl fmt::Display for DatePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Month => "month",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        })
    }
}

/// Whether a format is one of those that are read here.
pub(super) fn is_known(format: &str) -> bool {
    format == TIME || DATES.contains(&format)
}

/// The parts that dates of a format have.
pub(super) fn parts(format: &str) -> &'static [DatePart] {
    if format == TIME { &[] } else { &DatePart::ALL }
}

/// Seconds as the number that a network gets: days since 1970, or hours of a time of day.
pub(super) fn number(format: &str, seconds: f64) -> f64 {
    seconds / if format == TIME { 3600.0 } else { SECONDS_OF_DAY }
}

/// The seconds since 1970 in UTC, or since midnight, of a text in a format. A text without an offset counts as UTC.
pub(super) fn seconds(format: &str, text: &str) -> Option<f64> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if format == TIME {
        return time(text);
    }
    // "%Y" takes two digits for a year of the first century.
    let (parsed, used) = BrokenDownTime::parse_prefix(format, text).ok()?;
    let date = match format {
        "%Y-%m" => Date::new(parsed.year()?, parsed.month()?, 1).ok()?,
        _ => parsed.to_date().ok()?,
    };
    if date.year() < 1000 {
        return None;
    }
    let epoch = Date::new(1970, 1, 1).ok()?;
    let days = date.duration_since(epoch).as_secs() as f64;
    let rest = &text[used..];
    let of_day = match rest.as_bytes() {
        [] => 0.0,
        [b'T' | b't' | b' ' | b',', ..] => time(rest[1..].trim())?,
        _ => return None,
    };
    Some(days + of_day)
}

/// The seconds since midnight of a time of day, less its offset from UTC.
fn time(text: &str) -> Option<f64> {
    TIMES.iter().find_map(|format| {
        let (parsed, used) = BrokenDownTime::parse_prefix(format, text).ok()?;
        let time = parsed.to_time().ok()?;
        let since = time.duration_since(jiff::civil::Time::midnight());
        Some(since.as_secs_f64() - offset(text[used..].trim())?)
    })
}

/// The seconds of an offset from UTC.
fn offset(text: &str) -> Option<f64> {
    if matches!(text, "" | "Z" | "z" | "UTC" | "GMT") {
        return Some(0.0);
    }
    let (sign, digits) = match text.as_bytes() {
        [b'+', ..] => (1.0, &text[1..]),
        [b'-', ..] => (-1.0, &text[1..]),
        _ => return None,
    };
    let digits: String = digits.replacen(':', "", 1);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    let offset = SignedDuration::from_mins(i64::from(hours * 60 + minutes));
    (hours < 24 && minutes < 60).then(|| sign * offset.as_secs_f64())
}

/// How the dates of a column are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dates {
    pub(super) format: &'static str,
    /// Whether another format reads as many rows as other dates: with day, month and year in another order.
    pub(super) ambiguous: bool,
    /// Rows that hold dates.
    pub(super) rows: usize,
}

/// Finds the format in which most rows of a column are dates. `rows` are the numbers of the rows' texts, `counts` the rows of
/// each text. Of formats that read as many rows, those are taken that have the day before the month or behind it, as
/// `day_first` says, if there are such.
pub(super) fn find(texts: &[String], counts: &[usize], rows: &[u32], day_first: Option<bool>) -> Option<Dates> {
    let sample = &texts[..texts.len().min(TRIED)];
    let reads = |format: &str| sample.iter().filter(|text| seconds(format, text).is_some()).count() * 2 >= sample.len();
    let tried = DATES.iter().chain(&[TIME]).copied().filter(|format| !sample.is_empty() && reads(format));
    let read: Vec<(&str, Vec<Option<f64>>, usize)> = tried
        .map(|format| {
            let all: Vec<Option<f64>> = texts.iter().map(|text| seconds(format, text)).collect();
            let rows = all.iter().zip(counts).filter(|(value, _)| value.is_some()).map(|(_, count)| count).sum();
            (format, all, rows)
        })
        .collect();
    let most = read.iter().map(|(.., rows)| *rows).max()?;
    let mut best: Vec<_> = read.iter().filter(|(.., rows)| *rows == most).collect();
    let is_wanted = |format: &str| day_first.is_some() && has_day_first(format) == day_first;
    if best.iter().any(|(format, ..)| is_wanted(format)) {
        best.retain(|(format, ..)| is_wanted(format));
    }
    // Rows are often in the order of their dates.
    let falls = |values: &[Option<f64>]| {
        let dates: Vec<f64> = rows.iter().filter_map(|&row| values.get(row as usize).copied().flatten()).collect();
        dates.windows(2).filter(|pair| pair[1] < pair[0]).count()
    };
    let (format, values, _) =
        best.iter().min_by_key(|(_, values, _)| if best.len() > 1 { falls(values) } else { 0 })?;
    Some(Dates { format, ambiguous: best.iter().any(|(_, others, _)| others != values), rows: most })
}

/// Whether the number of the day stands before that of the month, where both are numbers.
fn has_day_first(format: &str) -> Option<bool> {
    Some(format.find("%d")? < format.find("%m")?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn found(texts: &[&str]) -> Option<(&'static str, bool)> {
        found_as(texts, None)
    }

    fn found_as(texts: &[&str], day_first: Option<bool>) -> Option<(&'static str, bool)> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let rows: Vec<u32> = (0..texts.len() as u32).collect();
        let dates = find(&texts, &vec![1; texts.len()], &rows, day_first)?;
        (dates.rows == texts.len()).then_some((dates.format, dates.ambiguous))
    }

    #[test]
    fn the_whole_column_decides_what_comes_first() {
        assert_eq!(found(&["2024-01-31", "2024-2-1"]), Some(("%Y-%m-%d", false)));
        assert_eq!(found(&["01/02/2024", "31/01/2024"]), Some(("%d/%m/%Y", false)));
        assert_eq!(found(&["01/02/2024", "01/31/2024"]), Some(("%m/%d/%Y", false)));
        // The last number may be the day, the first the year.
        assert_eq!(found(&["01/02/11", "31/12/11"]), Some(("%d/%m/%y", true)));
        assert_eq!(found(&["31.12.2024", "1.2.2024"]), Some(("%d.%m.%Y", false)));
        // No date says which is the month. In the order of the rows it is the second number here.
        assert_eq!(found(&["01/01/2024", "02/01/2024", "01/02/2024"]), Some(("%d/%m/%Y", true)));
        assert_eq!(found(&["01/02/2024", "02/03/2024"]), Some(("%m/%d/%Y", true)));
        assert_eq!(found(&["01.02.2024", "02.03.2024"]), Some(("%d.%m.%Y", false)));
        assert_eq!(found(&["3 Jan 2024", "14 Feb 2024"]), Some(("%d %b %Y", false)));
        assert_eq!(found(&["January 3, 2024", "February 14, 2024"]), Some(("%B %d, %Y", false)));
        // A year of two digits may stand first.
        assert_eq!(found(&["20-01-02", "20-01-15"]), Some(("%y-%m-%d", true)));
        assert_eq!(found(&["99-01-02", "98-12-31"]), Some(("%y-%m-%d", false)));
        assert_eq!(found(&["99/01/02", "98/12/31"]), Some(("%y/%m/%d", false)));
        assert_eq!(found(&["2024-01", "2024-12"]), Some(("%Y-%m", false)));
        assert_eq!(found(&["9:30", "17:05:10"]), Some((TIME, false)));
    }

    #[test]
    fn a_setting_decides_between_day_and_month() {
        for (texts, day, month) in [
            (&["01/02/2024", "02/03/2024"][..], ("%d/%m/%Y", false), ("%m/%d/%Y", false)),
            (&["20-01-02", "21-01-15"], ("%d-%m-%y", false), ("%y-%m-%d", false)),
            (&["01-02-03", "02-03-04"], ("%d-%m-%y", false), ("%m-%d-%y", true)),
            // Where the dates leave nothing open it decides nothing.
            (&["01/31/2024"], ("%m/%d/%Y", false), ("%m/%d/%Y", false)),
            (&["2024-01-02"], ("%Y-%m-%d", false), ("%Y-%m-%d", false)),
        ] {
            assert_eq!(
                (found_as(texts, Some(true)), found_as(texts, Some(false))),
                (Some(day), Some(month)),
                "{texts:?}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["2024-13-01", "31/31/2024", "2024", "a", "", "1/2", "1.5", "2024-01-01x", "2024-01-01 25:00", "v1-2-3"]
        {
            assert_eq!(found(&[text]), None, "{text:?}");
        }
    }

    #[test]
    fn moments_are_counted_in_utc() {
        let iso = |text| seconds("%Y-%m-%d", text);
        assert_eq!(iso("1970-01-01"), Some(0.0));
        assert_eq!(iso("1969-12-31"), Some(-86_400.0));
        assert_eq!(iso("2024-02-29T12:30:15.25Z"), Some(1_709_209_815.25));
        assert_eq!(iso("2024-02-29 14:30:15.25+02:00"), Some(1_709_209_815.25));
        assert_eq!(iso("2024-02-29 07:30 -0500"), Some(1_709_209_800.0));
        assert_eq!(seconds("%m/%d/%y", "2/29/24 12:30 PM"), Some(1_709_209_800.0));
        assert_eq!(seconds(TIME, "01:30"), Some(5400.0));
        assert_eq!((number("%Y-%m-%d", 43_200.0), number(TIME, 5400.0)), (0.5, 1.5));
        // 2024-02-29 was a Thursday.
        let parts = DatePart::ALL.map(|part| part.of(1_709_209_815.25));
        assert_eq!(parts, [2.0, 4.0, 12.0]);
        assert_eq!(DatePart::ALL.map(|part| part.of(-1.0)), [12.0, 3.0, 23.0]);
    }
}
