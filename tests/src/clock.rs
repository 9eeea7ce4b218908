//! Programs whose clock shows another time, by libfaketime.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::finish;

/// A wall clock that a test sets, also while programs look at it. The clock that never goes back goes on as ever, as
/// it does when somebody sets the clock of a machine.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    library: String,
}

impl Clock {
    /// One that is `ahead` of the real one: `+10y`, `-1h`, `+0`.
    ///
    /// # Panics
    /// When libfaketime is not here.
    #[track_caller]
    pub fn ahead(ahead: &str) -> Clock {
        // The wrapper knows where the library lies.
        let mut ask = Command::new("faketime");
        let told = finish(ask.args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]), Duration::from_secs(30));
        let library = told.success().stdout.trim().to_owned();
        let clock = Clock { folder: tempfile::tempdir().expect("a folder"), library };
        clock.set(ahead);
        clock
    }

    /// Sets it.
    ///
    /// # Panics
    /// When that cannot be written down.
    #[track_caller]
    pub fn set(&self, ahead: &str) {
        // In one step: whoever looks meanwhile sees the old time or the new one.
        let next = self.folder.path().join("next");
        fs::write(&next, ahead).and_then(|()| fs::rename(next, self.setting())).expect("the folder is ours");
    }

    /// Gives a program this clock.
    pub fn give<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.setting())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }

    fn setting(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}
