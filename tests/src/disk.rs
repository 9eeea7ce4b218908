//! A small disk of one's own, to be filled or made read-only without harm to the machine.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::finish;

/// Longest that mounting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tmpfs; unmounted when dropped, so it must outlive whoever works on it.
#[derive(Debug)]
pub struct Disk {
    mountpoint: TempDir,
}

impl Disk {
    /// Mounts one of this size. Needs root, see [`crate::is_root`].
    ///
    /// # Panics
    /// When it cannot be mounted.
    #[track_caller]
    pub fn mount(bytes: u64) -> Disk {
        let mountpoint = tempfile::Builder::new().prefix("error-sentinel-disk-").tempdir();
        let disk = Disk { mountpoint: mountpoint.expect("a temporary folder") };
        let size = format!("size={bytes},mode=0700");
        finish(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.path()), PATIENCE)
            .success();
        disk
    }

    fn path(&self) -> &Path {
        self.mountpoint.path()
    }

    /// A new folder on it.
    ///
    /// # Panics
    /// When there is no room.
    #[track_caller]
    pub fn folder(&self) -> TempDir {
        tempfile::tempdir_in(self.path()).expect("there is room for a folder")
    }

    /// Takes every byte that is left, until the ballast is dropped.
    ///
    /// # Panics
    /// When the disk fails otherwise than by being full.
    #[track_caller]
    pub fn fill(&self) -> Ballast {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).expect("there is room for a name");
        let mut piece = vec![b'x'; 1 << 20];
        while !piece.is_empty() {
            match file.write(&piece) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece.truncate(piece.len() / 2),
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
        Ballast(path)
    }

    /// Makes it read-only, or writable again; nobody may have a file open for writing.
    ///
    /// # Panics
    /// When it cannot be remounted.
    #[track_caller]
    pub fn set_read_only(&self, read_only: bool) {
        let option = if read_only { "remount,ro" } else { "remount,rw" };
        finish(Command::new("mount").args(["-o", option]).arg(self.path()), PATIENCE).success();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since a killed process may hold it for a moment still.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// What fills a [`Disk`]; frees it when dropped.
#[derive(Debug)]
pub struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
