//! The Rust SDK where the system refuses what it needs: names, sockets, memory, threads, descriptors.
//!
//! The program goes on as if the SDK were not there, and every error is stored, on disk, or counted by reason.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use error_sentinel_tests::{
    Conduct, Finished, NAME_WITHOUT_ADDRESS, Tracker, eventually, finish, is_root, kept_events,
};
use tempfile::{NamedTempFile, TempDir};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const RUN: Duration = Duration::from_secs(120);
const SOON: Duration = Duration::from_secs(60);

/// Runs a command of the reporter, perhaps behind another program, to its end.
#[track_caller]
fn run(mut command: Command, words: &str, dsn: &str, spool_dir: Option<&Path>, close_ms: &str) -> Finished {
    set_up(&mut command, words, dsn, spool_dir, close_ms);
    finish(&mut command, RUN)
}

fn set_up(command: &mut Command, words: &str, dsn: &str, spool_dir: Option<&Path>, close_ms: &str) {
    command.args(words.split(' ')).env("ERROR_SENTINEL_DSN", dsn).env("REPORTER_CLOSE_MS", close_ms);
    command.env_remove("ERROR_SENTINEL_SPOOL_DIR");
    if let Some(dir) = spool_dir {
        command.env("ERROR_SENTINEL_SPOOL_DIR", dir);
    }
}

/// A command that runs the reporter by way of other programs.
fn behind(wrapper: &str) -> Command {
    behind_of(wrapper, Path::new(env!("CARGO_BIN_EXE_reporter")))
}

fn behind_of(wrapper: &str, program: &Path) -> Command {
    let mut words = wrapper.split_whitespace();
    let Some(first) = words.next() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

/// A reporter that has reported and waits to be ended.
struct Waiting(Child);

impl Waiting {
    #[track_caller]
    fn start(
        mut command: Command,
        words: &str,
        dsn: &str,
        spool_dir: Option<&Path>,
        close_ms: &str,
    ) -> Waiting {
        set_up(&mut command, words, dsn, spool_dir, close_ms);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        Waiting(command.spawn().expect("it starts"))
    }

    /// Lets it end; says whether everything has left.
    #[track_caller]
    fn close(mut self) -> bool {
        writeln!(self.0.stdin.take().expect("piped")).expect("it waits for a line");
        let lines: Vec<_> = BufReader::new(self.0.stdout.take().expect("piped"))
            .lines()
            .map(|line| line.expect("text"))
            .collect();
        assert!(self.0.wait().expect("it is ours").success(), "{lines:?}");
        lines.iter().any(|line| line == "closed true")
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A copy of the program that any user can run, and a folder that is that user's.
fn for_nobody() -> (TempDir, PathBuf) {
    let dir = temporary();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let copy = dir.path().join("reporter");
    fs::copy(env!("CARGO_BIN_EXE_reporter"), &copy).expect("copied");
    (dir, copy)
}

#[test]
fn a_system_without_threads_or_descriptors_runs_the_program_all_the_same() {
    let (_dir, copy) = for_nobody();
    // Root's own threads are not limited.
    let user = if is_root() { "setpriv --reuid=65534 --clear-groups " } else { "" };
    for (limit, is_off) in [("prlimit --nproc=1:1", true), ("prlimit --nofile=5:5", false)] {
        let tracker = Tracker::start(Conduct::Well);
        let command = behind_of(&format!("{user}{limit}"), &copy);
        let ended = run(command, "distinct 20", &tracker.dsn(KEY), None, "300").success();
        assert!(ended.stdout.contains("ready"), "{limit}: {ended:?}");
        assert_eq!(ended.stderr.contains("nothing will be reported"), is_off, "{limit}: {ended:?}");
    }
}

#[test]
fn a_system_without_room_for_the_sdk_runs_the_program_all_the_same() {
    let tracker = Tracker::start(Conduct::Well);
    // The program itself needs less than the least of them.
    for megabytes in [24, 32, 48, 64, 96, 112, 128, 160, 256] {
        let limit = format!("prlimit --as={}", megabytes << 20);
        let ended = run(behind(&limit), "distinct 20", &tracker.dsn(KEY), None, "20000").success();
        assert!(ended.stdout.contains("closed true"), "{limit}: {ended:?}");
        assert!(ended.stderr.contains("nothing will be reported"), "{limit}: {ended:?}");
    }
    assert_eq!((tracker.request_count(), tracker.stored_count()), (0, 0));
    // With these there may be no room for a connection: the C library sets aside 64 MB for each thread.
    for megabytes in [288, 320, 384, 448] {
        let limit = format!("prlimit --as={}", megabytes << 20);
        let ended = run(behind(&limit), "distinct 20", &tracker.dsn(KEY), None, "300").success();
        assert!(ended.stdout.contains("ready") && ended.stderr.is_empty(), "{limit}: {ended:?}");
    }
    let before = tracker.stored_count();
    let enough = behind("prlimit --as=1073741824");
    let ended = run(enough, "distinct 20", &tracker.dsn(KEY), None, "20000").success();
    assert!(ended.stdout.contains("closed true"), "{ended:?}");
    assert_eq!(tracker.stored_count() - before, 20);
    assert_eq!(tracker.lost_count(), 0);
}

#[test]
fn a_system_that_allows_small_files_only_ends_no_program_that_panics() {
    const COUNT: u64 = 100;
    let spool = temporary();
    let tracker = Tracker::start(Conduct::BlackHole);
    // Whoever writes behind the limit is ended by a signal.
    let limited = behind_of("prlimit --fsize=65536", Path::new(env!("CARGO_BIN_EXE_panicking")));
    let ended = run(limited, &format!("{COUNT} abort"), &tracker.dsn(KEY), Some(spool.path()), "0");
    assert_eq!(ended.stdout.lines().count() as u64, COUNT, "{ended:?}");
    assert_eq!(kept_events(spool.path()).len() as u64, COUNT);
}

#[test]
fn where_sockets_are_refused_errors_wait_on_disk_for_a_start_without_that() {
    for refusal in ["socket:error=EPERM", "connect:error=EACCES"] {
        let spool = temporary();
        let tracker = Tracker::start(Conduct::Well);
        let refused = behind(&format!("strace -f -qq -o /dev/null -e inject={refusal}"));
        let waiting = Waiting::start(refused, "distinct 20", &tracker.dsn(KEY), Some(spool.path()), "100");
        eventually("all are on disk", SOON, || (kept_events(spool.path()).len() == 20).then_some(()));
        assert!(!waiting.close(), "{refusal}");
        assert_eq!((tracker.request_count(), tracker.stored_count()), (0, 0), "{refusal}");
        let next = run(behind(""), "distinct 0", &tracker.dsn(KEY), Some(spool.path()), "20000").success();
        assert!(next.stdout.contains("closed true"), "{refusal}: {next:?}");
        assert_eq!((tracker.stored_count(), tracker.lost_count()), (20, 0), "{refusal}");
    }
}

#[test]
fn sockets_that_are_refused_for_a_while_cost_no_error_that_is_not_counted() {
    const COUNT: u64 = 3000;
    let tracker = Tracker::start(Conduct::Well);
    let refused = behind("strace -f -qq -o /dev/null -e inject=connect:error=EACCES:when=1..2");
    let ended = run(refused, &format!("distinct {COUNT}"), &tracker.dsn(KEY), None, "60000").success();
    assert!(ended.stdout.contains("closed true"), "{ended:?}");
    let lost = tracker.lost();
    assert_eq!(tracker.stored_count() + tracker.lost_count(), COUNT, "{lost:?}");
    assert!(lost.keys().all(|reason| reason == "queue_overflow"), "{lost:?}");
}

/// A name server that knows no name, on an address of its own; counts what it is asked.
fn ignorant_dns() -> Arc<AtomicU64> {
    const ADDRESS: &str = "127.0.0.77:53";
    let socket = UdpSocket::bind(ADDRESS).expect("nobody else has this address");
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let Some(answer) = question.get_mut(..length).filter(|bytes| bytes.len() > 12) else { continue };
            // An answer, with recursion, to the one question repeated: there is no such name. See RFC 1035, 4.1.1.
            answer[2] |= 0x80;
            answer[3] = 0x83;
            count.fetch_add(1, Ordering::Relaxed);
            // Whoever asked may be gone.
            let _ = socket.send_to(answer, from);
        }
    });
    asked
}

#[test]
fn a_name_that_does_not_exist_is_as_a_server_that_is_away() {
    // Others may not answer on the port of name servers.
    if !is_root() {
        return;
    }
    let asked = ignorant_dns();
    let mut settings = NamedTempFile::new().expect("a temporary file");
    settings.write_all(b"nameserver 127.0.0.77\n").expect("written");
    let with_settings = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script]).arg(settings.path());
        command.arg(env!("CARGO_BIN_EXE_reporter"));
        command
    };
    let spool = temporary();
    let tracker = Tracker::start(Conduct::Well);
    let dsn = tracker.dsn(KEY).replace("127.0.0.1", NAME_WITHOUT_ADDRESS);
    let unknown = with_settings(r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#);
    let waiting = Waiting::start(unknown, "distinct 20", &dsn, Some(spool.path()), "100");
    eventually("it has asked, and all are on disk", SOON, || {
        (asked.load(Ordering::Relaxed) > 0 && kept_events(spool.path()).len() == 20).then_some(())
    });
    assert!(!waiting.close());
    assert_eq!(tracker.request_count(), 0);
    // Now the name is known.
    let mut hosts = NamedTempFile::new().expect("a temporary file");
    writeln!(hosts, "127.0.0.1 {NAME_WITHOUT_ADDRESS}").expect("written");
    let script = format!(r#"mount --bind {} /etc/hosts && exec "$@""#, hosts.path().display());
    let next = run(with_settings(&script), "distinct 0", &dsn, Some(spool.path()), "20000").success();
    assert!(next.stdout.contains("closed true"), "{next:?}");
    assert_eq!((tracker.stored_count(), tracker.lost_count()), (20, 0));
}
