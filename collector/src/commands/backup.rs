//! `backup` and `restore`: a backup is a data folder of its own, made while the server runs.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::progress::Progress;
use super::{Failure, Outcome};
use crate::data_dir::{DataDir, QUEUE_FILE, STORE_FILE};
use crate::settings::Settings;

/// The queue first: an event that moves on between the two copies is then in both, which its id makes
/// harmless, and never in neither.
const FILES: [&str; 2] = [QUEUE_FILE, STORE_FILE];
/// Pages copied between two looks at the progress; 4 MB.
const PAGES: i32 = 1024;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(20);

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
        println!("{}", to.path().display());
        Ok(())
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
            .flat_map(|name| ["", "-wal", "-journal"].map(|end| to.path().join(format!("{name}{end}"))))
            .find(|path| path.exists());
        if let Some(path) = in_the_way {
            return Err(Failure::new(format!("{} is there already and is not overwritten", path.display()))
                .help("move the old data folder away first, or restore into another with --data-dir DIR"));
        }
        copy_all(&from, &to)?;
        println!("{}", to.path().display());
        Ok(())
    }
}

/// Copies under other names first, so that a copy that was interrupted is never taken for a whole one.
fn copy_all(from: &DataDir, to: &DataDir) -> Outcome {
    let partial = |name: &str| to.path().join(format!("{name}.partial"));
    let outcome = FILES.iter().filter(|name| from.path().join(name).exists()).try_for_each(|name| {
        copy(&from.path().join(name), &partial(name), name)?;
        Ok(())
    });
    let outcome = outcome.and_then(|()| {
        for name in FILES.iter().filter(|name| partial(name).exists()) {
            fs::rename(partial(name), to.path().join(name)).map_err(|error| unwritable(to.path(), &error))?;
        }
        sync_folder(to.path())
    });
    if outcome.is_err() {
        for name in FILES {
            for end in ["", "-wal", "-shm", "-journal"] {
                // Already failing; what cannot be removed keeps its name, which says that it is partial.
                let _ = fs::remove_file(to.path().join(format!("{name}.partial{end}")));
            }
        }
    }
    outcome
}

/// Copies one database as it is at this moment. Writers go on meanwhile: the one read transaction that all
/// steps share keeps the copy from starting over at each of their commits.
fn copy(from: &Path, to: &Path, name: &'static str) -> Result<(), Failure> {
    let failed = |error: rusqlite::Error| {
        Failure::new(format!("{} cannot be copied to {}: {error}", from.display(), to.display()))
    };
    match crate::data_dir::private_file(to) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unwritable(to, &error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(failed)?;
    let mut target = Connection::open_with_flags(to, flags).map_err(failed)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(failed)?;
    let mut progress = Progress::new(name, "pages");
    let copying = Copying::new(&source, &mut target).map_err(failed)?;
    loop {
        let step = copying.step(PAGES).map_err(failed)?;
        let at = copying.progress();
        let total = u64::try_from(at.pagecount).unwrap_or_default();
        progress.at(total.saturating_sub(u64::try_from(at.remaining).unwrap_or_default()), total);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(BUSY_PAUSE),
        }
    }
    drop(copying);
    progress.finish();
    drop(source);
    let verdict: String =
        target.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(Failure::new(format!("{} is damaged: {verdict}", from.display()))
            .help("keep the file as it is and go back to an older backup"));
    }
    target.close().map_err(|(_, error)| failed(error))
}

/// Makes the renames last.
fn sync_folder(path: &Path) -> Outcome {
    if cfg!(unix) {
        fs::File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written to: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn writers_go_on_and_do_not_make_the_copy_start_over() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER, filler BLOB);
                 WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4000)
                 INSERT INTO t SELECT 1, zeroblob(4000) FROM c;",
            )
            .unwrap();
        // The read transaction of the copy is older than this write, which must neither wait nor show.
        let source = Connection::open(&path).unwrap();
        source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").unwrap();
        let mut target = Connection::open(outer.path().join("copy")).unwrap();
        {
            let copying = Copying::new(&source, &mut target).unwrap();
            let mut steps = 0;
            while copying.step(PAGES).unwrap() != StepResult::Done {
                writer.execute("INSERT INTO t VALUES (1000000, NULL)", []).unwrap();
                steps += 1;
                assert!(steps < 20, "the copy starts over at every write");
            }
            assert!(steps > 2, "the copy was made in several steps");
        }
        let sum: i64 = target.query_row("SELECT sum(n) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 4000);
    }
}
