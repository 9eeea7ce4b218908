//! How many connections this process can hold: as many as there are open files and memory for.

use std::fs;
use std::path::Path;

use super::listen::Places;

/// Descriptors that the process needs for itself: databases, logs, mail, the runtime.
const OWN_DESCRIPTORS: u64 = 128;
/// More connections than this are of no use on one machine.
const CONNECTIONS_MAX: u64 = 16_384;
/// Fewer would serve nobody.
const CONNECTIONS_MIN: u64 = 16;
/// What a connection takes while a slow client sends a body over it: buffers, and the state of its request.
const CONNECTION_BYTES: u64 = 24 * 1024;
/// The part of the memory that connections may take.
const CONNECTIONS_PART: u64 = 4;

/// Raises the soft limit on open files as far as it may and returns how many connections fit under it, and how many of
/// them into memory.
///
/// Without this, the usual soft limit of 1,024 lets a thousand slow clients shut everybody else out.
pub fn connections() -> Places {
    let memory = memory_bytes(Path::new("/"));
    let fit = memory.map_or(CONNECTIONS_MAX, |bytes| bytes / CONNECTIONS_PART / CONNECTION_BYTES);
    let open = open_files().saturating_sub(OWN_DESCRIPTORS).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Places { open: count(open), served: count(open.min(fit).max(CONNECTIONS_MIN)) }
}

/// The soft limit on open files, raised as far as it may.
#[cfg(unix)]
fn open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX + OWN_DESCRIPTORS;
    let hard = limit.maximum.unwrap_or(wanted);
    let mut soft = limit.current.unwrap_or(wanted);
    if soft < wanted.min(hard) {
        let raised = Rlimit { current: Some(wanted.min(hard)), maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => soft = wanted.min(hard),
            Err(error) => tracing::debug!(%error, soft, "the limit on open files stays as it is"),
        }
    }
    soft
}

/// As many as are of use: this system has no limit to raise.
#[cfg(not(unix))]
fn open_files() -> u64 {
    CONNECTIONS_MAX + OWN_DESCRIPTORS
}

/// Memory of the machine, or what this process's group of it may have where that is less; `None` where Linux's files
/// do not tell.
fn memory_bytes(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path.trim_start_matches('/'))).ok();
    let machine = read("proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    });
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let of_groups = groups.lines().filter_map(|line| {
        // `0::/path` of the second version, `4:memory:/path` of the first. Within a container the path may be one
        // that only the outside knows; then the root is the group's own.
        let (controller, path) = line.split_once(':')?.1.split_once(':')?;
        let (folder, file) = match controller {
            "" => ("sys/fs/cgroup", "memory.max"),
            "memory" => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let text = read(&format!("{folder}{path}/{file}")).or_else(|| read(&format!("{folder}/{file}")))?;
        // `max` is no number, and no bound.
        text.trim().parse::<u64>().ok()
    });
    machine.into_iter().chain(of_groups).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of 2 GiB whose process is in these groups, of which the files say so.
    fn machine(groups: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        let mut files = files.to_vec();
        files.push(("proc/meminfo", "MemTotal:        2097152 kB\nMemFree:  1 kB\n"));
        files.push(("proc/self/cgroup", groups));
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        memory_bytes(root.path())
    }

    #[test]
    fn the_memory_is_that_of_the_machine_or_of_the_group_where_that_is_less() {
        const MACHINE: Option<u64> = Some(2 << 30);
        const GROUP: Option<u64> = Some(128 << 20);
        let second = ("sys/fs/cgroup/system.slice/memory.max", "134217728\n");
        assert_eq!(machine("0::/system.slice\n", &[second]), GROUP);
        let first = ("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "134217728\n");
        assert_eq!(machine("5:cpu:/x\n4:memory:/docker\n0::/\n", &[first]), GROUP);
        let inside = ("sys/fs/cgroup/memory.max", "134217728\n");
        assert_eq!(machine("0::/only/outside\n", &[inside]), GROUP);
        let unbounded = ("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(machine("0::/\n", &[unbounded]), MACHINE);
        assert_eq!(machine("", &[]), MACHINE);
        assert_eq!(memory_bytes(Path::new("/no/such/root")), None);
    }
}
