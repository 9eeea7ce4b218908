//! A real mail server that keeps what it receives.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Certificate, Python, Setup, eventually};

/// Where the tests' alarms go.
const TEAM: &str = "team@example.com";

/// How a mail server protects what passes to it. The names are those of the setting `smtp.tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// From STARTTLS on, which it insists on.
    StartTls,
    /// From the first byte.
    Tls,
}

impl Encryption {
    fn name(self) -> &'static str {
        match self {
            Encryption::None => "none",
            Encryption::StartTls => "starttls",
            Encryption::Tls => "tls",
        }
    }
}

/// A name and its password.
#[derive(Debug, Clone, Copy)]
pub struct Login(pub &'static str, pub &'static str);

/// An SMTP server on this machine (aiosmtpd); killed when dropped.
#[derive(Debug)]
pub struct MailServer {
    process: Option<Child>,
    port: u16,
    folder: TempDir,
    encryption: Encryption,
    certificate: Certificate,
    login: Option<Login>,
}

/// A received mail, as Python's `email` package reads it.
#[derive(Debug, Clone)]
pub struct Mail(Value);

impl MailServer {
    /// Starts one on a free port, without encryption.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start() -> MailServer {
        MailServer::start_as(Encryption::None, Certificate::for_this_machine(), None)
    }

    /// Starts one on a free port that encrypts with this certificate and takes mail of this login only.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_as(encryption: Encryption, certificate: Certificate, login: Option<Login>) -> MailServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = MailServer { process: None, port: 0, folder, encryption, certificate, login };
        server.start_again();
        server
    }

    /// Starts it again on the port that it had.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&mut self) {
        let mut command = Python::find().script("mail_server.py");
        command.arg(self.port.to_string()).arg(self.folder.path());
        command.args(["--encryption", self.encryption.name()]);
        command.arg("--certificate").arg(self.certificate.path());
        command.arg("--key").arg(self.certificate.key_path());
        if let Some(Login(name, password)) = self.login {
            command.args(["--login", name, password]);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut line = String::new();
        let pipe = process.stdout.take().expect("piped");
        BufReader::new(pipe).read_line(&mut line).expect("the server prints its port");
        self.process = Some(process);
        self.port = line.trim().parse().expect("the server prints its port");
    }

    /// Takes it away.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Settings that let a collector ring here.
    pub fn settings(&self) -> Setup {
        let settings = Setup::default()
            .trust(&self.certificate)
            .set("SMTP__HOST", "127.0.0.1")
            .set("SMTP__PORT", self.port)
            .set("SMTP__TLS", self.encryption.name())
            .set("SMTP__FROM", "alarm@example.com")
            .set("SMTP__TO", TEAM);
        match self.login {
            Some(Login(name, password)) => {
                settings.set("SMTP__USERNAME", name).set("SMTP__PASSWORD", password)
            }
            None => settings,
        }
    }

    /// All mails so far, oldest first.
    ///
    /// # Panics
    /// When one cannot be read.
    #[track_caller]
    pub fn mails(&self) -> Vec<Mail> {
        let mut paths: Vec<_> = fs::read_dir(self.folder.path())
            .expect("the folder is ours")
            .map(|entry| entry.expect("the folder is ours").path())
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .collect();
        paths.sort();
        let read = |path: &Path| fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        paths.iter().map(|path| Mail(read(path).expect("the server writes whole mails"))).collect()
    }

    /// Waits until there are at least `count` mails and returns all.
    ///
    /// # Panics
    /// When there are not `within` that time.
    #[track_caller]
    pub fn await_mails(&self, count: usize, within: Duration) -> Vec<Mail> {
        eventually(&format!("there are {count} mails"), within, || {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Mail {
    /// All headers in order, decoded.
    ///
    /// # Panics
    /// Never with mails of [`MailServer`].
    pub fn headers(&self) -> Vec<(String, String)> {
        let pair = |pair: &Value| {
            let text = |value: &Value| value.as_str().expect("headers are text").to_owned();
            (text(&pair[0]), text(&pair[1]))
        };
        self.0["headers"].as_array().expect("headers are a list").iter().map(pair).collect()
    }

    /// All values of one header.
    pub fn header(&self, name: &str) -> Vec<String> {
        let same = |(n, _): &(String, String)| n.eq_ignore_ascii_case(name);
        self.headers().into_iter().filter(same).map(|(_, value)| value).collect()
    }

    /// The subject.
    pub fn subject(&self) -> String {
        self.header("subject").join("\n")
    }

    /// What is wrong with its form.
    pub fn defects(&self) -> &Value {
        &self.0["defects"]
    }

    /// The envelope's recipients.
    pub fn recipients(&self) -> Vec<String> {
        let list = self.0["recipients"].as_array().expect("recipients are a list");
        list.iter().map(|to| to.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The part for programs and plain people.
    pub fn text(&self) -> &str {
        self.0["text"].as_str().unwrap_or_default()
    }

    /// The part with looks.
    pub fn html(&self) -> &str {
        self.0["html"].as_str().unwrap_or_default()
    }

    /// The bytes as received.
    pub fn raw(&self) -> &str {
        self.0["raw"].as_str().unwrap_or_default()
    }

    /// Whether it came over an encrypted connection.
    pub fn is_encrypted(&self) -> bool {
        self.0["is_encrypted"] == true
    }

    /// Whose login it came under.
    pub fn login(&self) -> Option<&str> {
        self.0["login"].as_str()
    }

    /// When it arrived, in seconds since 1970.
    pub fn received_at_s(&self) -> f64 {
        self.0["received_at_s"].as_f64().unwrap_or_default()
    }
}
