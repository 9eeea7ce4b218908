//! Other programs: how long they may take, what they said, what they cost.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The root of the repository.
pub fn repository() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in the repository").to_owned()
}

/// Keeps the tests' own variables, and the settings of whoever runs them, from a program.
pub fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ERROR_SENTINEL_") {
            command.env_remove(name);
        }
    }
    command
}

/// A port of this machine that nobody listens on now, for servers that cannot be told to take a free one.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// What a program left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// Itself, if the program succeeded.
    ///
    /// # Panics
    /// When it did not, with all it said.
    #[track_caller]
    pub fn success(self) -> Finished {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Itself, if the program failed.
    ///
    /// # Panics
    /// When it did not, with all it said.
    #[track_caller]
    pub fn failure(self) -> Finished {
        assert!(!self.status.success(), "{self:#?}");
        self
    }
}

/// Runs a program to its end, with nothing to read.
///
/// # Panics
/// When it cannot be started, or is not done `within` that time; then it is killed.
#[track_caller]
pub fn finish(command: &mut Command, within: Duration) -> Finished {
    finish_with(command, "", within)
}

/// Runs a program to its end, with `input` to read.
///
/// # Panics
/// As [`finish`].
#[track_caller]
pub fn finish_with(command: &mut Command, input: &str, within: Duration) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input may be gone already.
        let _ = stdin.write_all(input.as_bytes());
    }
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        if start.elapsed() > within {
            child.kill().expect("the child is ours");
            let said = (stdout.join(), stderr.join());
            panic!("{command:?} is not done within {within:?}; it said {said:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    Finished { status, stdout: stdout.join().expect("reads"), stderr: stderr.join().expect("reads") }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // Whatever was read until the pipe broke is what the program said.
            let _: io::Result<usize> = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a running process has used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// The most of it at any moment since the start, or since [`Usage::forget_peak`].
    pub peak_bytes: u64,
    /// Processor time of all its threads so far.
    pub processor: Duration,
}

impl Usage {
    /// Reads it from `/proc`; `None` where there is none.
    pub fn of(pid: u32) -> Option<Usage> {
        // Linux gives processor times in hundredths of a second and memory in kilobytes.
        const TICK_MS: u64 = 10;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Usage {
            resident_bytes: bytes("VmRSS:")?,
            peak_bytes: bytes("VmHWM:")?,
            processor: Duration::from_millis(ticks * TICK_MS),
        })
    }

    /// Of a process and all that it started, added up.
    pub fn of_family(pid: u32) -> Option<Usage> {
        let mut sum = Usage::of(pid)?;
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        for task in tasks.filter_map(Result::ok) {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|child| child.parse().ok());
            for child in children.filter_map(Usage::of_family) {
                sum.resident_bytes += child.resident_bytes;
                sum.peak_bytes += child.peak_bytes;
                sum.processor += child.processor;
            }
        }
        Some(sum)
    }

    /// Begins the peak of a process anew.
    ///
    /// # Panics
    /// When the system does not let us.
    #[track_caller]
    pub fn forget_peak(pid: u32) {
        // See proc(5), `clear_refs`.
        fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the process is ours");
    }
}
