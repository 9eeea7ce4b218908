//! Bugsink, a tracker of another make that speaks the same protocol, as its documentation sets it up for one server:
//! gunicorn in front, its worker behind, SQLite. Only its quotas are lifted, or it would drop most of a load.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use error_sentinel_wire::Dsn;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::free_port;
use crate::programs::Python;
use crate::{Usage, eventually, finish};

/// Longest that any step of its setup may take on a busy machine.
const SETUP: Duration = Duration::from_secs(300);
/// Changes to the settings that its own command writes: no proxy stands in front, no quota holds, and nobody outside is
/// told that it runs.
const SETTINGS: &str = r#"
SECURE_PROXY_SSL_HEADER = None
USE_X_REAL_IP = False
ALLOWED_HOSTS = ["*"]
BUGSINK["PHONEHOME"] = False
for span in ["5_MINUTES", "HOUR", "MONTH"]:
    BUGSINK[f"MAX_EVENTS_PER_{span}"] = BUGSINK[f"MAX_EVENTS_PER_PROJECT_PER_{span}"] = 10**9
"#;

/// A Bugsink of one's own with an empty database; ended and removed when dropped.
#[derive(Debug)]
pub struct Bugsink {
    folder: TempDir,
    web: Child,
    worker: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Of its only project.
    pub dsn: Dsn,
}

impl Bugsink {
    /// Sets it up and starts it.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start() -> Bugsink {
        let python = Python::with_bugsink();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let settings = folder.path().join("bugsink_conf.py");
        let command = |program: &str, arguments: &[&str]| {
            let mut command = python.program(program);
            command.args(arguments).current_dir(folder.path());
            command.env("DJANGO_SETTINGS_MODULE", "bugsink_conf").env("PYTHONPATH", folder.path());
            command
        };
        let base = folder.path().display().to_string();
        let write = ["--template=singleserver", "--host=127.0.0.1", "--base-dir", &base, "-o"];
        finish(command("bugsink-create-conf", &write).arg(&settings), SETUP).success();
        let written = fs::read_to_string(&settings).expect("it wrote its settings");
        fs::write(&settings, written + SETTINGS).expect("the folder is ours");
        finish(&mut command("bugsink-manage", &["migrate"]), SETUP).success();
        finish(&mut command("bugsink-manage", &["migrate", "--database=snappea"]), SETUP).success();
        let make = "from projects.models import Project\n\
                    print('key', Project.objects.create(name='load').sentry_key.hex)";
        let made = finish(&mut command("bugsink-manage", &["shell", "-c", make]), SETUP).success().stdout;
        let key = made.lines().find_map(|line| line.strip_prefix("key ")).expect("it prints the key");

        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let serve = ["--bind", &address.to_string(), "--workers=2", "bugsink.wsgi"];
        let mut web = started(&mut command("gunicorn", &serve), &folder.path().join("web.log"));
        let worker = started(&mut command("bugsink-runsnappea", &[]), &folder.path().join("worker.log"));
        eventually("Bugsink listens", SETUP, || {
            assert!(web.try_wait().expect("the child is ours").is_none(), "gunicorn ended");
            TcpStream::connect(address).ok()
        });
        let dsn = Dsn::parse(&format!("http://{key}@{address}/1")).expect("a DSN");
        Bugsink { folder, web, worker, address, dsn }
    }

    /// The events that it has digested, in that order.
    ///
    /// # Panics
    /// When they cannot be read.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let database = self.open().expect("its database");
        let mut query =
            database.prepare("SELECT data FROM events_event ORDER BY digest_order").expect("its table");
        let rows = query.query_map([], |row| row.get::<_, String>(0)).expect("its rows");
        rows.map(|row| serde_json::from_str(&row.expect("a row")).expect("JSON")).collect()
    }

    /// What it has used so far, all its processes together.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn usage(&self) -> Usage {
        let [web, worker] =
            [&self.web, &self.worker].map(|child| Usage::of_family(child.id()).expect("/proc tells"));
        Usage {
            resident_bytes: web.resident_bytes + worker.resident_bytes,
            peak_bytes: web.peak_bytes + worker.peak_bytes,
            processor: web.processor + worker.processor,
        }
    }

    /// How many events it has digested.
    pub fn stored_count(&self) -> u64 {
        let database = self.folder.path().join("db.sqlite3");
        let count =
            Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|database| {
                database.query_row("SELECT count(*) FROM events_event", [], |row| row.get(0))
            });
        // It locks its database for itself now and then.
        count.unwrap_or_default()
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let database = self.folder.path().join("db.sqlite3");
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Where everything of it lies.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for Bugsink {
    fn drop(&mut self) {
        for child in [&mut self.web, &mut self.worker] {
            // Asked to stop, they take their own processes along.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

fn started(command: &mut Command, log: &Path) -> Child {
    let log = File::create(log).expect("the folder is ours");
    let errors = log.try_clone().expect("a second handle");
    let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
    child.unwrap_or_else(|e| panic!("{command:?}: {e}"))
}
