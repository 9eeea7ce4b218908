//! Opens the store and the queue, and looks for damage in both when the server before did not end by itself.
//!
//! Damage is never passed over in silence. Where a queue is damaged, what can be read of it is kept and the server
//! starts, since it must go on accepting errors; a store is somebody's history, so that person decides.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::data_dir::{DataDir, Past};
use crate::database::{self, Soundness, Trouble, log};
use crate::queue::embedded::EmbeddedQueue;
use crate::store::sqlite::SqliteStore;

/// Longest look at each file. A start must not wait for gigabytes to be read; `error-sentinel check` reads all.
const CHECK_PATIENCE: Duration = Duration::from_millis(500);

/// Opens both, the queue with its bound.
///
/// # Errors
/// What is missing or damaged, as one sentence with the next step.
pub fn open(
    data_dir: &DataDir,
    queue_limit_bytes: u64,
) -> anyhow::Result<(Arc<SqliteStore>, Arc<EmbeddedQueue>)> {
    let (store_path, queue_path) = (data_dir.store_path(), data_dir.queue_path());
    let past = data_dir.past()?;
    // The first start makes the store before the queue, so that a queue alone is what a lost store leaves.
    let has_store = if past == Past::New { store_path.exists() } else { has_content(&store_path) };
    ensure!(
        has_store || !queue_path.exists(),
        "{} is missing, though the queue beside it is there; bring it back (error-sentinel restore), or remove {} as \
         well to begin with nothing",
        store_path.display(),
        queue_path.display()
    );
    if past != Past::New && has_store && !has_content(&queue_path) {
        tracing::error!(
            "{} is missing, and with it what was accepted and not recorded yet; a new one is begun",
            queue_path.display()
        );
    }
    if past == Past::BrokenOff {
        miss_frames(&store_path)?;
        miss_frames(&queue_path)?;
        if has_store && let Some(finding) = damage(&store_path)? {
            bail!(
                "{} is damaged ({finding}); bring a backup back (error-sentinel restore), or take out what is left with \
                 the .recover of sqlite3",
                store_path.display()
            );
        }
        mend_queue(&queue_path)?;
    }
    let store = SqliteStore::open(&store_path)?;
    let queue = EmbeddedQueue::open(&queue_path, queue_limit_bytes)?;
    data_dir.note_running()?;
    Ok((Arc::new(store), Arc::new(queue)))
}

fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// Says what is gone of a log. What came before it is kept.
fn miss_frames(path: &Path) -> anyhow::Result<()> {
    let gap = log::gap(path).with_context(|| format!("the log of {} cannot be read", path.display()))?;
    if let Some(gap) = gap {
        tracing::error!(
            committed = gap.committed,
            readable = gap.readable,
            "the log of {} is damaged, and what was written last is lost; what came before is kept. A backup may hold \
             the rest (error-sentinel restore)",
            path.display()
        );
    }
    Ok(())
}

/// What is damaged in a file, as far as there is time to look.
fn damage(path: &Path) -> anyhow::Result<Option<String>> {
    if !has_content(path) {
        return Ok(None);
    }
    let looked =
        database::open_writer(path, "").and_then(|conn| database::check(&conn, Some(CHECK_PATIENCE)));
    match looked {
        Ok(Soundness::Sound) => Ok(None),
        Ok(Soundness::SoundSoFar) => {
            tracing::info!(
                "{} is large, and was looked at in part; `error-sentinel check` looks at all of it",
                path.display()
            );
            Ok(None)
        }
        Ok(Soundness::Damaged(finding)) => Ok(Some(finding)),
        Err(error) if database::trouble(&error) == Trouble::Damage => Ok(Some(error.to_string())),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Begins a new queue with what can be read of a damaged one.
fn mend_queue(path: &Path) -> anyhow::Result<()> {
    let Some(finding) = damage(path)? else { return Ok(()) };
    let rescue = EmbeddedQueue::rescue(path)?;
    tracing::error!(
        finding,
        kept = rescue.job_count,
        "{} is damaged; what could be read of it is kept, and the file is put aside as {}",
        path.display(),
        rescue.aside.display()
    );
    Ok(())
}
