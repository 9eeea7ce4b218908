//! A system on which asking for the address of a name never comes to an end.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::Command;

use tempfile::NamedTempFile;

/// A name that nobody but a name server could know.
pub const NAME: &str = "collector.example";

/// A resolver whose server takes every question and never answers.
const SETTINGS: &str = "nameserver 192.0.2.1\noptions timeout:30 attempts:1\n";
/// That server is an address for examples, and the way there ends in this very system, where it is nobody's.
const SCRIPT: &str = r#"ip link set lo up && ip route add 192.0.2.1 dev lo && mount --bind "$0" /etc/resolv.conf && exec "$@""#;

/// Where names are never found: a network and a view of the files that only the programs started in it have.
#[derive(Debug)]
pub struct SilentDns {
    settings: NamedTempFile,
}

impl SilentDns {
    /// Prepares it.
    ///
    /// # Panics
    /// When there is no room for a temporary file.
    #[track_caller]
    pub fn new() -> SilentDns {
        let mut settings = NamedTempFile::new().expect("a temporary file");
        settings.write_all(SETTINGS.as_bytes()).expect("written");
        SilentDns { settings }
    }

    /// A command that runs a program there; arguments can be added. It is root's own, or that of a user who plays root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let is_root =
            fs::metadata("/proc/self").is_ok_and(|itself| std::os::unix::fs::MetadataExt::uid(&itself) == 0);
        let mut command = Command::new("unshare");
        command.args([if is_root { "-mn" } else { "-rmn" }, "sh", "-c", SCRIPT]);
        command.arg(self.settings.path()).arg(program);
        command
    }
}

impl Default for SilentDns {
    fn default() -> Self {
        SilentDns::new()
    }
}
