//! What the steps came to: lines while they run, and the closing line.

use std::time::{Duration, Instant};

/// Tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that their own code leaves out.
    pub ignored: u64,
}

impl Count {
    /// Adds up the closing lines of cargo's test programs: `test result: ok. 3 passed; 0 failed; …`.
    pub fn of_cargo_test(output: &str) -> Count {
        let mut count = Count::default();
        for line in output.lines() {
            let Some(result) = line.trim().strip_prefix("test result: ") else { continue };
            for part in result.split([';', '.']) {
                let mut words = part.split_whitespace();
                let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
                let Ok(number) = number.parse::<u64>() else { continue };
                match what {
                    "passed" => count.passed += number,
                    "failed" => count.failed += number,
                    "ignored" => count.ignored += number,
                    _ => {}
                }
            }
        }
        count
    }
}

/// The running account.
#[derive(Debug)]
pub struct Report {
    start: Instant,
    total: Count,
    not_run: Vec<String>,
}

impl Report {
    /// Starts the clock.
    pub fn new() -> Report {
        Report { start: Instant::now(), total: Count::default(), not_run: Vec::new() }
    }

    /// Adds the tests of a step.
    pub fn add(&mut self, count: Count) {
        self.total.passed += count.passed;
        self.total.failed += count.failed;
        self.total.ignored += count.ignored;
    }

    /// Notes what could not be run, and what would make it run.
    pub fn not_run(&mut self, what: String) {
        self.not_run.push(what);
    }

    /// The last lines: what was not run, the time, and the count alone on its line.
    pub fn closing(&self) -> String {
        let mut text = String::new();
        for what in &self.not_run {
            text.push_str(&format!("not run: {what}\n"));
        }
        let Count { passed, failed, ignored } = self.total;
        let skipped = ignored + self.not_run.len() as u64;
        text.push_str(&format!("\ndone in {}\n", seconds(self.start.elapsed())));
        match skipped {
            0 => text.push_str(&format!("{passed} passed, {failed} failed\n")),
            _ => text.push_str(&format!("{passed} passed, {failed} failed, {skipped} skipped\n")),
        }
        text
    }
}

/// A duration for people.
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_all_programs_are_added_up() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s\n";
        assert_eq!(Count::of_cargo_test(output), Count { passed: 7, failed: 2, ignored: 1 });
    }

    #[test]
    fn the_count_stands_alone_on_the_last_line() {
        let mut report = Report::new();
        report.add(Count { passed: 157, failed: 0, ignored: 0 });
        assert_eq!(report.closing().lines().last(), Some("157 passed, 0 failed"));
        report.not_run("php: apt-get install php-cli".into());
        assert_eq!(report.closing().lines().last(), Some("157 passed, 0 failed, 1 skipped"));
        assert!(report.closing().contains("not run: php: apt-get install php-cli"));
    }

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(seconds(Duration::from_millis(1540)), "1.5 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
