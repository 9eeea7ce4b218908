//! A running process seen, and hindered, at its system calls.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::deadline::eventually;
use crate::process::finish;

/// Longest that strace may take to take hold or to let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// strace, attached to every thread of a process; lets go when dropped.
#[derive(Debug)]
pub struct Strace {
    child: Child,
    folder: TempDir,
}

/// A system call that has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it began, in microseconds.
    pub start_us: u64,
    /// When it returned, in microseconds.
    pub end_us: u64,
    /// `fdatasync`
    pub name: String,
    /// As strace shows them, descriptors with what they are: `7</var/lib/queue.db-wal>`.
    pub arguments: String,
    /// What it returned; negative for an error.
    pub result: i64,
    /// Whether strace made that result up.
    pub is_injected: bool,
}

impl Strace {
    /// Attaches with more arguments, such as `-e inject=fdatasync:error=EIO`. Needs root, see [`crate::is_root`].
    ///
    /// # Panics
    /// When strace is not here or may not attach.
    #[track_caller]
    pub fn attach(pid: u32, arguments: &[&str]) -> Strace {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("strace")
            .args(["-f", "-ff", "-ttt", "-T", "-y", "-s", "16", "-p", &pid.to_string(), "-o"])
            .arg(folder.path().join("calls"))
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("strace cannot be started ({error}): apt-get install -y strace"));
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().expect("piped"));
        while !said.contains(" attached") {
            let read = lines.read_line(&mut said).expect("strace speaks");
            assert!(read > 0, "strace does not attach: {said}");
        }
        // Read on, so that a full pipe never stops it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Strace { child, folder }
    }

    /// Lets go and returns what was seen, in the order of its beginning.
    ///
    /// # Panics
    /// When strace does not end, or wrote what cannot be read.
    #[track_caller]
    pub fn detach(mut self) -> Vec<Call> {
        self.let_go();
        eventually("strace has let go", PATIENCE, || self.child.try_wait().expect("it is ours"));
        self.seen()
    }

    /// What was written down so far, in the order of its beginning. A call that somebody else has noticed already may
    /// be missing for a moment: strace writes it down after the system has done it.
    ///
    /// # Panics
    /// When that cannot be read.
    #[track_caller]
    pub fn seen(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for file in fs::read_dir(self.folder.path()).expect("the folder is ours") {
            let bytes = fs::read(file.expect("the folder is ours").path()).expect("readable");
            calls.extend(String::from_utf8_lossy(&bytes).lines().filter_map(Call::parse));
        }
        calls.sort_by_key(|call| (call.start_us, call.end_us));
        calls
    }

    fn let_go(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        finish(Command::new("sh").args(["-c", &kill]), PATIENCE);
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.let_go();
            let _ = self.child.wait();
        }
    }
}

impl Call {
    /// Reads a line; `None` for one that is no whole call (signals, the call that the end cut off).
    fn parse(line: &str) -> Option<Call> {
        let (start, rest) = line.split_once(' ')?;
        let start_us = microseconds(start)?;
        let (call, outcome) = rest.rsplit_once(" = ")?;
        let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
        let took = outcome.rsplit_once('<')?.1.strip_suffix('>')?;
        Some(Call {
            start_us,
            end_us: start_us + microseconds(took)?,
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            result: outcome.split([' ', '<']).next()?.parse().ok()?,
            is_injected: outcome.contains("(INJECTED)"),
        })
    }

    /// Whether its first argument is a file whose name ends so.
    pub fn is_on(&self, file: &str) -> bool {
        self.descriptor().ends_with(&format!("{file}>"))
    }

    /// Its first argument.
    pub fn descriptor(&self) -> &str {
        self.arguments.split(", ").next().unwrap_or_default()
    }

    /// Whether it waits until a file is on the disk.
    pub fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }
}

/// Microseconds of `1700000000.123456`.
fn microseconds(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000 + fraction.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_to_its_outcome() {
        let line = "1700000000.000200 fdatasync(7</data/queue.db-wal>) = -1 EIO (Input/output error) (INJECTED) <0.000031>";
        let call = Call::parse(line).unwrap();
        assert_eq!((call.start_us, call.end_us), (1_700_000_000_000_200, 1_700_000_000_000_231));
        assert!(call.is_sync() && call.is_injected && call.result == -1);
        assert!(call.is_on("queue.db-wal") && !call.is_on("queue.db"));
    }

    #[test]
    fn what_is_no_whole_call_is_passed_over() {
        for line in ["1700000000.000200 --- SIGTERM ---", "1700000000.000200 read(3<x> <detached ...>", ""] {
            assert_eq!(Call::parse(line), None, "{line}");
        }
    }
}
