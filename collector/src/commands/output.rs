//! Writes to standard output: lines and rows for people, JSON for programs.
//!
//! Whoever reads may stop reading (`| head`), which is no failure; a full disk is one.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use console::{Term, measure_text_width, truncate_str};
use serde::Serialize;

use super::{Failure, Outcome};

const GAP: &str = "  ";

/// Prints rows under a head, each column as wide as its widest value. On a terminal the lines are cut at its
/// edge.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Outcome {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.map(|row| row.map(|text| harmless(&text))));
    let widths: [usize; N] = std::array::from_fn(|column| {
        lines.iter().map(|line| measure_text_width(&line[column])).max().unwrap_or(0)
    });
    let terminal = Term::stdout();
    let edge = if terminal.is_term() { usize::from(terminal.size().1) } else { usize::MAX };
    for values in lines {
        let mut text = String::new();
        for (column, value) in values.iter().enumerate() {
            text.push_str(value);
            if column + 1 < N {
                text.push_str(&" ".repeat(widths[column] - measure_text_width(value)));
                text.push_str(GAP);
            }
        }
        line(truncate_str(text.trim_end(), edge, "…"))?;
    }
    Ok(())
}

/// Prints one JSON document.
pub(super) fn json(document: &impl Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(format!("the output cannot be written as JSON: {error}")))?;
    line(text)
}

/// Prints one line, or several.
pub(super) fn line(text: impl fmt::Display) -> Outcome {
    verdict(writeln!(io::stdout(), "{text}"))
}

fn verdict(written: io::Result<()>) -> Outcome {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::new(format!("the output cannot be written: {error}"))),
    }
}

/// What came from outside must not steer the terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stops_is_no_failure_and_a_full_disk_is_one() {
        assert_eq!(verdict(Err(ErrorKind::BrokenPipe.into())), Ok(()));
        assert!(verdict(Err(ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn text_from_outside_does_not_steer_the_terminal() {
        assert_eq!(harmless("\u{1b}[2Jgone\r\nok\u{9b}31m ünïcode"), " [2Jgone  ok 31m ünïcode");
    }
}
