//! A collector of one's own: the real binary on a folder and a port that nobody else has.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use error_sentinel_wire::Dsn;
use tempfile::{NamedTempFile, TempDir};

use crate::process::{Finished, Usage, finish, repository, without_settings};
use crate::{Api, Certificate, Connection, Reply, Request};

/// Longest that a start may take; the machine may be busy.
const START: Duration = Duration::from_secs(30);
/// Longest that any command of the binary may take.
const COMMAND: Duration = Duration::from_secs(60);

/// How a collector is to be started.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    environment: Vec<(String, String)>,
}

impl Setup {
    /// With one more setting, by the name of its environment variable without the prefix: `RATE_LIMIT`.
    pub fn set(mut self, name: &str, value: impl ToString) -> Setup {
        self.environment.push((format!("ERROR_SENTINEL_{name}"), value.to_string()));
        self
    }

    /// Trusts certificates of this authority too.
    pub fn trust(mut self, certificate: &Certificate) -> Setup {
        let path = certificate.authority_path().display().to_string();
        self.environment.push(("SSL_CERT_FILE".to_owned(), path));
        self
    }

    /// Starts it on an empty folder.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start(self) -> Collector {
        let data_dir =
            tempfile::Builder::new().prefix("error-sentinel-").tempdir().expect("a temporary folder");
        self.start_on(data_dir)
    }

    /// Starts it on a folder that exists already.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_on(self, data_dir: TempDir) -> Collector {
        self.try_start_on(data_dir).unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    /// Starts it on a folder that it may refuse.
    ///
    /// # Errors
    /// All that it said when it ended instead of coming up.
    ///
    /// # Panics
    /// When it neither comes up nor ends.
    pub fn try_start_on(self, data_dir: TempDir) -> Result<Collector, String> {
        let mut collector = Collector {
            setup: self,
            data_dir: Some(data_dir),
            log: NamedTempFile::new().expect("a temporary file"),
            running: None,
            welcome: Welcome::default(),
            token: None,
        };
        collector.try_start_again()?;
        Ok(collector)
    }
}

/// What a start printed.
#[derive(Debug, Clone, Default)]
struct Welcome {
    text: String,
    dashboard: String,
    /// Where it listens, printed where that is not where the dashboard is.
    listening: Option<String>,
    setup_link: Option<String>,
    dsn: Option<Dsn>,
}

/// A running collector; killed and its folder removed when dropped.
#[derive(Debug)]
pub struct Collector {
    setup: Setup,
    /// `None` once it was handed on.
    data_dir: Option<TempDir>,
    /// Not in the folder, which may lie on a disk that the test takes away.
    log: NamedTempFile,
    running: Option<Child>,
    welcome: Welcome,
    token: Option<String>,
}

impl Collector {
    /// Starts one with all defaults but folder and port.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start() -> Collector {
        Setup::default().start()
    }

    /// The binary under test.
    ///
    /// # Panics
    /// When there is none, saying how to get it.
    #[track_caller]
    pub fn binary() -> PathBuf {
        let path = match std::env::var_os("ERROR_SENTINEL_BIN") {
            Some(path) => PathBuf::from(path),
            None => repository().join("target/release/error-sentinel"),
        };
        assert!(
            path.is_file(),
            "the collector's binary is not at {}: build it with `cargo build --release`, name another with \
             ERROR_SENTINEL_BIN, or let `cargo xtask test` do all",
            path.display()
        );
        path
    }

    /// Starts it again on its folder, on another port.
    ///
    /// # Panics
    /// When it runs still or does not come up.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.try_start_again().unwrap_or_else(|trouble| panic!("{trouble}"));
    }

    /// Starts it again on its folder, which it may refuse now.
    ///
    /// # Errors
    /// All that it said when it ended instead of coming up.
    ///
    /// # Panics
    /// When it runs still, or neither comes up nor ends.
    pub fn try_start_again(&mut self) -> Result<(), String> {
        assert!(self.running.is_none(), "it runs still");
        let log = File::options().append(true).open(self.log.path()).expect("a log file");
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let lines = lines_of(child.stdout.take().expect("piped"));
        self.running = Some(child);
        self.welcome = self.read_welcome(&lines)?;
        Ok(())
    }

    fn read_welcome(&mut self, lines: &mpsc::Receiver<String>) -> Result<Welcome, String> {
        let start = Instant::now();
        let mut welcome = Welcome::default();
        // The folder's line is the last of those with a value; what follows is prose, printed in one go.
        let mut complete = false;
        loop {
            let patience =
                if complete { Duration::from_millis(50) } else { START.saturating_sub(start.elapsed()) };
            match lines.recv_timeout(patience) {
                Ok(line) => {
                    let value =
                        |name: &str| line.trim().strip_prefix(name).map(|rest| rest.trim().to_owned());
                    if let Some(url) = value("Dashboard ") {
                        welcome.dashboard = url;
                    } else if let Some(url) = value("Listening ") {
                        welcome.listening = Some(url);
                    } else if let Some(link) = value("Set up ") {
                        welcome.setup_link = Some(link);
                    } else if let Some(dsn) = value("DSN ") {
                        welcome.dsn = Some(Dsn::parse(&dsn).unwrap_or_else(|e| panic!("{dsn}: {e}")));
                    } else if value("Data ").is_some() {
                        complete = true;
                    }
                    welcome.text.push_str(&line);
                    welcome.text.push('\n');
                }
                Err(_) if complete => return Ok(welcome),
                Err(trouble) => {
                    let said = format!("it printed:\n{}\nand logged:\n{}", welcome.text, self.log());
                    assert!(
                        trouble == RecvTimeoutError::Disconnected,
                        "it neither comes up nor ends; {said}"
                    );
                    let status = self.running.take().and_then(|mut child| child.wait().ok());
                    return Err(format!("the collector does not come up ({status:?}); {said}"));
                }
            }
        }
    }

    /// All that the start printed.
    pub fn printed(&self) -> &str {
        &self.welcome.text
    }

    /// The one-time link for the first user.
    ///
    /// # Panics
    /// When the start printed none.
    #[track_caller]
    pub fn setup_link(&self) -> &str {
        self.welcome.setup_link.as_deref().expect("a first start prints a setup link")
    }

    /// The DSN of the project `default`.
    ///
    /// # Panics
    /// When the start printed none.
    #[track_caller]
    pub fn dsn(&self) -> &Dsn {
        self.welcome.dsn.as_ref().expect("a start prints the DSN")
    }

    /// Its public key.
    pub fn key(&self) -> String {
        self.dsn().public_key.to_string()
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When the printed address is none.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        let url = self.welcome.listening.as_ref().unwrap_or(&self.welcome.dashboard);
        let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        address.parse().unwrap_or_else(|e| panic!("{address}: {e}"))
    }

    /// Its folder.
    ///
    /// # Panics
    /// When it was handed on.
    #[track_caller]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.as_ref().expect("it has its folder").path()
    }

    /// Stops it and hands its folder on, for a start with other settings.
    ///
    /// # Panics
    /// When it does not stop.
    #[track_caller]
    pub fn stop_and_keep(mut self) -> TempDir {
        self.terminate(Duration::from_secs(10));
        self.data_dir.take().expect("it has its folder")
    }

    /// All that it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    /// The process.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").id()
    }

    /// What it has used so far.
    ///
    /// # Panics
    /// When it does not run, or the system has no `/proc`.
    #[track_caller]
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).expect("/proc tells")
    }

    /// Kills it as a power cut would, except for what the system holds.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn kill(&mut self) {
        let mut child = self.running.take().expect("it runs");
        child.kill().expect("the child is ours");
        child.wait().expect("the child is ours");
    }

    /// Sends it a signal, by its name without SIG.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        finish(Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]), COMMAND).success();
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it has not stopped `within` that time.
    #[track_caller]
    pub fn terminate(&mut self, within: Duration) -> ExitStatus {
        self.signal("TERM");
        let mut child = self.running.take().expect("it runs");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("the child is ours") {
                return status;
            }
            if start.elapsed() > within {
                child.kill().expect("the child is ours");
                panic!("it did not stop within {within:?}; it logged:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A command of the binary with this collector's folder and settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Collector::binary());
        without_settings(&mut command).env("ERROR_SENTINEL_DATA_DIR", self.data_dir());
        command.envs(self.setup.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        command
    }

    /// Runs a command of the binary with this collector's folder and settings.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        finish(&mut self.command(arguments), COMMAND)
    }

    /// A new connection.
    ///
    /// # Panics
    /// When it does not listen.
    #[track_caller]
    pub fn connect(&self) -> Connection {
        Connection::open(self.address()).unwrap_or_else(|e| panic!("{e}; it logged:\n{}", self.log()))
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Panics
    /// When there is no reply.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Reply {
        self.connect()
            .send(request)
            .unwrap_or_else(|e| panic!("{request:?}: {e}; it logged:\n{}", self.log()))
    }

    /// Reports an error by `/log-error` and returns its event id once it is accepted.
    ///
    /// # Panics
    /// When it is not accepted.
    #[track_caller]
    pub fn log_error(&self, body: &serde_json::Value) -> String {
        let request = Request::post("/log-error", body.to_string()).header("X-Sentinel-Key", self.key());
        let reply = self.send(&request);
        assert_eq!(reply.status, 202, "{}", reply.text());
        let id = &reply.json()["id"];
        id.as_str().unwrap_or_else(|| panic!("no id in {}", reply.text())).to_owned()
    }

    /// The counters of `/metrics` whose line begins like this, added up.
    ///
    /// # Panics
    /// When there are no metrics.
    #[track_caller]
    pub fn metric(&self, line_start: &str) -> u64 {
        let reply = self.send(&Request::get("/metrics"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text();
        let lines = text.lines().filter(|line| line.starts_with(line_start));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// Its API, with a token made by the command line.
    #[track_caller]
    pub fn api(&mut self) -> Api {
        if self.token.is_none() {
            let printed = self.run(&["token", "create", "--name", "tests"]).success().stdout;
            self.token = Some(printed.trim().to_owned());
        }
        Api::new(self.address(), self.token.as_deref().unwrap_or_default())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() && self.data_dir.is_some() {
            eprintln!("--- the collector logged:\n{}---", self.log());
        }
    }
}

/// Reads lines on a thread of its own, so that a full pipe never stops the collector.
fn lines_of(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody listens after the start; reading goes on.
            let _ = sender.send(line);
        }
    });
    receiver
}
