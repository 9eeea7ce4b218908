//! The proxies of `collector/packaging`, real ones, in front of a collector: TLS, and a path of their own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{free_port, repository};
use crate::{Certificate, Collector, Setup, eventually};

/// Longest that a proxy may take to start; the machine may be busy.
const START: Duration = Duration::from_secs(30);

/// A collector under `https://localhost:PORT/errors`, behind a proxy; both are ended when dropped.
#[derive(Debug)]
pub struct Proxied {
    /// The collector, which knows where it is reached.
    pub collector: Collector,
    /// What the proxy shows to prove that it is `localhost`.
    pub certificate: Certificate,
    process: Child,
    folder: TempDir,
}

impl Proxied {
    /// Behind nginx, by `collector/packaging/nginx.conf`.
    ///
    /// # Panics
    /// When one of the two does not come up.
    #[track_caller]
    pub fn by_nginx() -> Proxied {
        Proxied::by_nginx_as(Certificate::for_this_machine())
    }

    /// The same with another certificate to show.
    ///
    /// # Panics
    /// As [`Proxied::by_nginx`].
    #[track_caller]
    pub fn by_nginx_as(certificate: Certificate) -> Proxied {
        Proxied::start("nginx.conf", certificate, |recipe, certificate, port, folder| {
            let site = replaced(
                recipe,
                &[
                    ("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;")),
                    ("server_name example.com;", "server_name localhost;"),
                    ("/etc/ssl/example.com.pem", &certificate.path().display().to_string()),
                    ("/etc/ssl/example.com.key", &certificate.key_path().display().to_string()),
                ],
            );
            // The rest of what a distribution's own nginx.conf says, in a folder of ours.
            let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
                .concat();
            let whole = format!(
                "user root; daemon off; pid {0}/nginx.pid; error_log stderr;\nevents {{}}\n\
                 http {{ access_log off;\n{paths}{site}}}\n",
                folder.display()
            );
            let path = folder.join("nginx.conf");
            fs::write(&path, whole).expect("the folder is ours");
            let mut command = Command::new("nginx");
            command.args(["-e", "stderr", "-c"]).arg(path).arg("-p").arg(folder);
            command
        })
    }

    /// Behind Caddy, by `collector/packaging/Caddyfile`.
    ///
    /// # Panics
    /// When one of the two does not come up.
    #[track_caller]
    pub fn by_caddy() -> Proxied {
        Proxied::start("Caddyfile", Certificate::for_this_machine(), |recipe, certificate, port, folder| {
            // Its own way to a certificate leads through the internet.
            let site = format!(
                "https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {} {}",
                certificate.path().display(),
                certificate.key_path().display()
            );
            let whole = format!(
                "{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{}",
                replaced(recipe, &[("\nexample.com {", &format!("\n{site}"))])
            );
            let path = folder.join("Caddyfile");
            fs::write(&path, whole).expect("the folder is ours");
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(path);
            // Where it keeps what it keeps.
            command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder).env("HOME", folder);
            command
        })
    }

    #[track_caller]
    fn start(
        recipe: &str,
        certificate: Certificate,
        command: impl FnOnce(&str, &Certificate, u16, &Path) -> Command,
    ) -> Proxied {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let collector = Setup::default()
            .set("PUBLIC_URL", format!("https://localhost:{port}/errors"))
            .set("TRUSTED_PROXIES", "127.0.0.1")
            .start();
        let path = repository().join("collector/packaging").join(recipe);
        let recipe = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let address = collector.address().to_string();
        let recipe = replaced(&recipe, &[("127.0.0.1:8911", &address)]);
        let mut command = command(&recipe, &certificate, port, folder.path());
        let log = File::create(folder.path().join("log")).expect("the folder is ours");
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}; `cargo xtask test` installs it"));
        let mut proxied = Proxied { collector, certificate, process, folder };
        let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        eventually("the proxy listens", START, || {
            if let Some(status) = proxied.process.try_wait().expect("the child is ours") {
                panic!("the proxy ended ({status}):\n{}", proxied.log());
            }
            TcpStream::connect(proxy).ok()
        });
        proxied
    }

    /// Where people and SDKs reach the collector, without trailing slash.
    pub fn url(&self) -> String {
        let dsn = self.collector.dsn().to_string();
        let (scheme, rest) = dsn.split_once("://").expect("a DSN is a URL");
        let (_, place) = rest.split_once('@').expect("a DSN has a key");
        let (base, _) = place.rsplit_once('/').expect("a DSN has a project");
        format!("{scheme}://{base}")
    }

    /// All that the proxy logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        // Asked to stop, nginx takes its workers along.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- the proxy logged:\n{}---", self.log());
        }
    }
}

/// `text` with each of these replaced.
///
/// # Panics
/// When one is not there: then the recipe has changed, and the test would try something else.
#[track_caller]
fn replaced(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old:?} is not in\n{text}");
        text.replace(old, new)
    })
}
