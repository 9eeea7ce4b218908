//! Prints rows for people and JSON for programs.

use std::io::{ErrorKind, Write};

use console::{Term, measure_text_width, truncate_str};
use serde::Serialize;

use super::{Failure, Outcome};

const GAP: &str = "  ";

/// Prints rows under a head, each column as wide as its widest value. On a terminal the lines are cut at its
/// edge.
pub(super) fn print<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.map(|row| row.map(|text| harmless(&text))));
    let widths: [usize; N] = std::array::from_fn(|column| {
        lines.iter().map(|line| measure_text_width(&line[column])).max().unwrap_or(0)
    });
    let terminal = Term::stdout();
    let edge = if terminal.is_term() { usize::from(terminal.size().1) } else { usize::MAX };
    for line in lines {
        let mut text = String::new();
        for (column, value) in line.iter().enumerate() {
            text.push_str(value);
            if column + 1 < N {
                text.push_str(&" ".repeat(widths[column] - measure_text_width(value)));
                text.push_str(GAP);
            }
        }
        println!("{}", truncate_str(text.trim_end(), edge, "…"));
    }
}

/// Prints one JSON document.
pub(super) fn print_json(document: &impl Serialize) -> Outcome {
    let failed = |error: std::io::Error| Failure::new(format!("the output cannot be written: {error}"));
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer_pretty(&mut out, document).map_err(std::io::Error::from);
    match written.and_then(|()| out.write_all(b"\n")) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(failed),
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
    fn text_from_outside_does_not_steer_the_terminal() {
        assert_eq!(harmless("\u{1b}[2Jgone\r\nok\u{9b}31m ünïcode"), " [2Jgone  ok 31m ünïcode");
    }
}
