//! Reads a write-ahead log that a process left behind, before SQLite does.
//!
//! SQLite recovers a log up to the first frame that is damaged and drops the rest without a word, since after a power
//! failure a torn end is to be expected. But the index beside the log tells how many frames were committed, and it is
//! advanced only after they were synced: where fewer can be read, writes that were acknowledged are gone.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use super::beside;

/// Frames that were committed and can be found neither in the log nor in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Frames of the log that were committed.
    pub committed: u32,
    /// Of which so many can be read, from the first one on.
    pub readable: u32,
}

/// What is lost of the log beside the database at `path`, which nobody has open. `None` when all is there, or when
/// that cannot be told.
///
/// # Errors
/// When a file that is there cannot be read.
///
/// # Source
/// <https://www.sqlite.org/walformat.html>
pub fn gap(path: &Path) -> io::Result<Option<Gap>> {
    let Some(index) = Index::read(path)? else { return Ok(None) };
    let (salt, readable) = readable_frames(path)?.unwrap_or((index.salt, 0));
    let is_lost = index.committed > readable.max(index.moved) && salt == index.salt;
    Ok(is_lost.then_some(Gap { committed: index.committed, readable }))
}

/// What the index says; its numbers are in the machine's own order.
struct Index {
    committed: u32,
    /// Frames that were moved into the database and synced there.
    moved: u32,
    salt: [u8; 8],
}

impl Index {
    const VERSION: u32 = 3_007_000;
    const COPY_BYTES: usize = 48;

    fn read(path: &Path) -> io::Result<Option<Index>> {
        let Some(mut file) = open(&beside(path, "-shm"))? else { return Ok(None) };
        let mut bytes = [0; 2 * Index::COPY_BYTES + 4];
        if !fill(&mut file, &mut bytes)? {
            return Ok(None);
        }
        let number = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (first, second) = bytes[..2 * Index::COPY_BYTES].split_at(Index::COPY_BYTES);
        let sum = Sum::default().add(&first[..40], cfg!(target_endian = "big"));
        // Two copies, of which a process that died in between has written one.
        let is_whole = first == second && number(0) == Index::VERSION && sum == Sum(number(40), number(44));
        let mut salt = [0; 8];
        salt.copy_from_slice(&bytes[32..40]);
        Ok(is_whole.then_some(Index { committed: number(16), moved: number(2 * Index::COPY_BYTES), salt }))
    }
}

/// The log's salt and the last of its frames that ends a commit and can be read; `None` when it has no header that
/// can be read.
fn readable_frames(path: &Path) -> io::Result<Option<([u8; 8], u32)>> {
    let Some(file) = open(&beside(path, "-wal"))? else { return Ok(None) };
    let mut log = BufReader::with_capacity(256 * 1024, file);
    let mut header = [0; 32];
    if !fill(&mut log, &mut header)? {
        return Ok(None);
    }
    let number = |bytes: &[u8], at: usize| {
        u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let magic = number(&header, 0);
    let is_big_endian = magic & 1 == 1;
    let mut sum = Sum::default().add(&header[..24], is_big_endian);
    let page_bytes = number(&header, 8);
    let is_header = magic | 1 == 0x377f_0683
        && (512..=65_536).contains(&page_bytes)
        && page_bytes.is_power_of_two()
        && sum == Sum(number(&header, 24), number(&header, 28));
    if !is_header {
        return Ok(None);
    }
    let mut salt = [0; 8];
    salt.copy_from_slice(&header[16..24]);
    let mut frame = vec![0; 24 + page_bytes as usize];
    let (mut count, mut committed) = (0, 0);
    while fill(&mut log, &mut frame)? {
        sum = sum.add(&frame[..8], is_big_endian).add(&frame[24..], is_big_endian);
        if frame[8..16] != salt || sum != Sum(number(&frame, 16), number(&frame, 20)) {
            break;
        }
        count += 1;
        if number(&frame, 4) > 0 {
            committed = count;
        }
    }
    Ok(Some((salt, committed)))
}

/// SQLite's running checksum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn add(self, bytes: &[u8], is_big_endian: bool) -> Sum {
        let number = |bytes: [u8; 4]| match is_big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        };
        let Sum(mut first, mut second) = self;
        for pair in bytes.chunks_exact(8) {
            first = first.wrapping_add(number([pair[0], pair[1], pair[2], pair[3]])).wrapping_add(second);
            second = second.wrapping_add(number([pair[4], pair[5], pair[6], pair[7]])).wrapping_add(first);
        }
        Sum(first, second)
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fills the buffer; `false` when the file ends before.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::database::{open_writer, restart_log};

    const COMMITS: u32 = 20;

    /// The files of a process that was killed after so many commits of one page each.
    fn left_behind(prepare: impl FnOnce(&rusqlite::Connection)) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("killed.db");
        let writer = open_writer(&path, "").unwrap();
        writer.execute_batch("CREATE TABLE number (n)").unwrap();
        prepare(&writer);
        for number in 0..COMMITS {
            writer.execute("INSERT INTO number VALUES (?1)", [number]).unwrap();
        }
        let copy = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal", "-shm"] {
            fs::copy(beside(&path, suffix), beside(&copy.path().join("killed.db"), suffix)).unwrap();
        }
        let path = copy.path().join("killed.db");
        (copy, path)
    }

    fn count(path: &Path) -> u32 {
        let conn = open_writer(path, "").unwrap();
        conn.query_row("SELECT count(*) FROM number", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_log_that_was_left_whole_has_no_gap() {
        for prepare in [|_: &_| {}, |writer: &_| assert!(restart_log(writer).unwrap())] {
            let (_folder, path) = left_behind(prepare);
            assert_eq!(gap(&path).unwrap(), None);
            assert_eq!(count(&path), COMMITS);
        }
    }

    #[test]
    fn frames_of_an_older_log_behind_the_newest_are_no_gap() {
        let (_folder, path) = left_behind(|writer| {
            for number in 0..3 * COMMITS {
                writer.execute("INSERT INTO number VALUES (?1)", [number]).unwrap();
            }
            writer.execute_batch("DELETE FROM number; PRAGMA wal_checkpoint(RESTART)").unwrap();
        });
        assert_eq!(gap(&path).unwrap(), None);
        assert_eq!(count(&path), COMMITS);
    }

    #[test]
    fn every_bit_of_a_frame_that_is_wrong_is_a_gap_and_what_sqlite_drops_is_told() {
        let (_folder, path) = left_behind(|writer| assert!(restart_log(writer).unwrap()));
        let log = beside(&path, "-wal");
        let whole = fs::read(&log).unwrap();
        for at in [0, 17, 32 + 3, 32 + 9, 32 + 24, whole.len() / 2, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&log, &damaged).unwrap();
            let gap = gap(&path).unwrap().unwrap_or_else(|| panic!("byte {at} was not missed"));
            assert_eq!(gap.committed, COMMITS);
            assert!(gap.readable < COMMITS, "{gap:?}");
        }
        assert_eq!(count(&path), COMMITS - 1, "the last damage was in the last frame");
    }

    #[test]
    fn a_log_that_was_cut_or_is_gone_is_a_gap() {
        let (_folder, path) = left_behind(|writer| assert!(restart_log(writer).unwrap()));
        let log = beside(&path, "-wal");
        let bytes = fs::metadata(&log).unwrap().len();
        for left in [bytes - 1, bytes / 2, 20, 0] {
            File::options().write(true).open(&log).unwrap().set_len(left).unwrap();
            assert_eq!(gap(&path).unwrap().map(|gap| gap.committed), Some(COMMITS), "{left} of {bytes}");
        }
        fs::remove_file(&log).unwrap();
        assert_eq!(gap(&path).unwrap(), Some(Gap { committed: COMMITS, readable: 0 }));
    }

    #[test]
    fn what_was_moved_into_the_database_is_not_missed() {
        let (_folder, path) = left_behind(|_| {});
        let conn = open_writer(&path, "").unwrap();
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for suffix in ["", "-shm"] {
            fs::copy(beside(&path, suffix), beside(&copy.path().join("killed.db"), suffix)).unwrap();
        }
        let path = copy.path().join("killed.db");
        assert_eq!(gap(&path).unwrap(), None);
        assert_eq!(count(&path), COMMITS);
    }

    #[test]
    fn without_an_index_that_can_be_read_nothing_is_told() {
        let (_folder, path) = left_behind(|_| {});
        let index = beside(&path, "-shm");
        for bytes in [0, 50, 100] {
            File::options().write(true).open(&index).unwrap().set_len(bytes).unwrap();
        }
        fs::write(&index, vec![7; 32 * 1024]).unwrap();
        assert_eq!(gap(&path).unwrap(), None);
        fs::remove_file(&index).unwrap();
        assert_eq!(gap(&path).unwrap(), None);
    }
}
