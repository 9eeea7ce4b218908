//! `backup` and `restore`: a backup is a data folder of its own, made while the server runs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::progress::Progress;
use super::{Failure, Outcome, output};
use crate::data_dir::{DataDir, QUEUE_FILE, STORE_FILE};
use crate::database::{backup, beside};
use crate::settings::Settings;

/// The queue first: an event that moves on between the two copies is then in both, which its id makes
/// harmless, and never in neither.
const FILES: [&str; 2] = [QUEUE_FILE, STORE_FILE];
/// Copy everything into a new folder, also while the server runs
#[derive(Debug, Args)]
#[command(
    after_help = "The copy is a data folder: `error-sentinel serve --data-dir DIR` runs on it.\n\nExample:\n  \
                        error-sentinel backup /backups/$(date +%F)"
)]
pub struct Backup {
    /// Where to; a folder that is new or empty
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
}

/// Bring a backup back into the data folder, which must not hold anything yet
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  error-sentinel restore /backups/2026-11-21 --data-dir /var/lib/error-sentinel"
)]
pub struct Restore {
    /// The folder that `backup` made
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
}

impl Backup {
    pub(super) fn run(self, settings: &Settings) -> Outcome {
        let from = DataDir::open(&settings.data_dir)?;
        if !from.store_path().exists() {
            return Err(Failure::new(format!("{} holds no store", from.path().display()))
                .help("say where the data folder is with --data-dir DIR"));
        }
        let to = DataDir::create(&self.to)?;
        let mut inside = fs::read_dir(to.path()).map_err(|error| unreadable(to.path(), &error))?;
        if inside.next().is_some() {
            return Err(Failure::new(format!("{} is not empty", to.path().display()))
                .help("name a folder that does not exist yet"));
        }
        copy_all(&from, &to)?;
        output::line(to.path().display())
    }
}

impl Restore {
    pub(super) fn run(self, settings: &Settings) -> Outcome {
        let from = DataDir::open(&self.from)?;
        if !from.store_path().exists() {
            return Err(Failure::new(format!("{} holds no backup", from.path().display()))
                .help("name a folder that `error-sentinel backup` made"));
        }
        let to = DataDir::create(&settings.data_dir)?;
        let _lock = to.lock()?;
        let in_the_way = FILES
            .iter()
            .flat_map(|name| ["", "-wal", "-journal"].map(|end| beside(&to.path().join(name), end)))
            .find(|path| path.exists());
        if let Some(path) = in_the_way {
            return Err(Failure::new(format!("{} is there already and is not overwritten", path.display()))
                .help("move the old data folder away first, or restore into another with --data-dir DIR"));
        }
        copy_all(&from, &to)?;
        output::line(to.path().display())
    }
}

/// Copies all there is or leaves nothing behind.
fn copy_all(from: &DataDir, to: &DataDir) -> Outcome {
    let there = FILES.iter().filter(|name| from.path().join(name).exists());
    let outcome = there.clone().try_for_each(|name| copy(from.path(), to.path(), name));
    if outcome.is_err() {
        for name in there {
            let path = to.path().join(name);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                eprintln!("{} is not a whole copy and cannot be removed: {error}", path.display());
            }
        }
    }
    outcome
}

fn copy(from: &Path, to: &Path, name: &'static str) -> Outcome {
    let mut progress = Progress::new(name, "pages");
    let copied = backup::copy(&from.join(name), &to.join(name), &mut |done, total| progress.at(done, total));
    progress.finish();
    copied.map_err(|error| match error {
        backup::BackupError::Damaged { .. } => {
            Failure::new(&error).help("keep the original as it is and go back to an older backup")
        }
        other => Failure::new(other),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// A data folder whose databases hold one number each.
    fn data_dir(path: &Path, number: i64) -> DataDir {
        let dir = DataDir::create(path).unwrap();
        for name in FILES {
            let db = Connection::open(path.join(name)).unwrap();
            db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER);").unwrap();
            db.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
        }
        dir
    }

    fn numbers(path: &Path) -> Vec<i64> {
        FILES
            .iter()
            .map(|name| {
                let db = Connection::open(path.join(name)).unwrap();
                db.query_row("SELECT sum(n) FROM t", [], |row| row.get(0)).unwrap()
            })
            .collect()
    }

    fn settings(data_dir: &Path) -> Settings {
        Settings { data_dir: data_dir.to_owned(), ..Settings::default() }
    }

    #[test]
    fn a_backup_that_is_restored_holds_what_was_there_at_its_time() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        let dir = data_dir(&at("data"), 5);
        let _server = dir.lock().unwrap();
        let writer = Connection::open(dir.store_path()).unwrap();
        Backup { to: at("backup") }.run(&settings(&at("data"))).unwrap();
        writer.execute("INSERT INTO t VALUES (100)", []).unwrap();

        Restore { from: at("backup") }.run(&settings(&at("restored"))).unwrap();
        assert_eq!(numbers(&at("restored")), [5, 5]);
        let names: Vec<_> =
            fs::read_dir(at("backup")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing but the two databases: {names:?}");
    }

    #[test]
    fn nothing_is_overwritten_and_a_folder_in_use_is_left_alone() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        data_dir(&at("data"), 5);
        data_dir(&at("other"), 7);
        let error = Restore { from: at("data") }.run(&settings(&at("other"))).unwrap_err();
        assert!(error.to_string().contains("queue.db is there already and is not overwritten"), "{error}");
        let error = Backup { to: at("other") }.run(&settings(&at("data"))).unwrap_err();
        assert!(error.to_string().contains("other is not empty"), "{error}");
        assert_eq!(numbers(&at("other")), [7, 7]);

        let busy = DataDir::create(&at("busy")).unwrap();
        let _lock = busy.lock().unwrap();
        let error = Restore { from: at("data") }.run(&settings(&at("busy"))).unwrap_err();
        assert!(error.to_string().contains("held by another"), "{error}");
        assert!(!busy.store_path().exists());
    }

    #[test]
    fn a_damaged_source_is_refused_and_leaves_nothing_that_looks_whole() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        data_dir(&at("data"), 5);
        fs::write(
            at("data").join(STORE_FILE),
            "this is no database, and long enough to be read as one".repeat(200),
        )
        .unwrap();
        Backup { to: at("backup") }.run(&settings(&at("data"))).unwrap_err();
        assert_eq!(fs::read_dir(at("backup")).unwrap().count(), 0);
    }
}
