//! Whether a file lies on a disk of this machine.
//!
//! A disk beyond a network, or one that another program plays, can hang for as long as that is away, and with it every
//! thread that writes to it; nothing ends such a wait. So a thread of the application writes to none of them.

use std::fs::File;
use std::path::Path;

/// File systems that need nobody but this machine, as `statfs` numbers them.
///
/// # Source
/// `linux/magic.h`; ZFS and bcachefs: their own headers.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LOCAL: [u32; 9] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0x2fc1_2fc1, // ZFS
    0xca45_1a4e, // bcachefs
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0x794c_7630, // overlayfs, whose upper half can be no network's
];

/// Whether a file, which was opened from this path, lies on a disk of this machine; no where that cannot be told.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_local(file: &File, _path: &Path) -> bool {
    // The numbers have 32 bits, in whatever the system gives them.
    rustix::fs::fstatfs(file).is_ok_and(|found| LOCAL.contains(&(found.f_type as u32)))
}

/// The same where the system says it itself.
#[cfg(target_vendor = "apple")]
pub fn is_local(file: &File, _path: &Path) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|found| found.f_flags & libc::MNT_LOCAL as u32 != 0)
}

/// The same where the path tells: a letter that stands for a folder of another machine is gone once it is canonical.
#[cfg(windows)]
pub fn is_local(_file: &File, path: &Path) -> bool {
    use std::path::{Component, Prefix};
    let is_of_disk = |path: &Path| match path.components().next() {
        Some(Component::Prefix(prefix)) => {
            matches!(prefix.kind(), Prefix::Disk(_) | Prefix::VerbatimDisk(_))
        }
        _ => false,
    };
    path.canonicalize().is_ok_and(|path| is_of_disk(&path))
}

/// Elsewhere it is not known.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
pub fn is_local(_file: &File, _path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_disk_of_this_machine_is_told_from_one_that_is() {
        use super::*;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(is_local(&File::create(&path).unwrap(), &path));
        let played = Path::new("/proc/self/stat");
        assert!(!is_local(&File::open(played).unwrap(), played));
    }
}
