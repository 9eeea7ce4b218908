//! The spool on real folders, in every state that a folder can be in.

use std::io;

use error_sentinel_wire::Dsn;

use super::*;
use crate::engine::{Outgoing, stored};

fn dsn() -> Dsn {
    Dsn::parse("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1").unwrap()
}

fn event(id: u128, bytes: usize) -> Outgoing {
    Outgoing { event_id: EventId(id), json: vec![b'x'; bytes], occurrence_count: 3, is_urgent: false }
}

fn open(dir: &Path) -> Spool {
    Spool::open(Arc::new(Folder::new(dir, &dsn())))
}

fn keep(spool: &Spool, id: u128) -> bool {
    spool.folder.keep(EventId(id), &stored::encode(&event(id, 10)))
}

fn left(spool: &mut Spool) -> Vec<u128> {
    let mut ids: Vec<u128> = std::iter::from_fn(|| spool.next_left()).map(|id| id.0).collect();
    ids.sort_unstable();
    ids
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_one_process_left_the_next_one_reads_and_forgets() {
    let dir = temporary();
    let first = open(dir.path());
    assert!((1..=3).all(|id| keep(&first, id)));
    first.folder.forget(EventId(2));
    drop(first);
    let mut second = open(dir.path());
    assert_eq!(left(&mut second), [1, 3]);
    assert_eq!(second.folder.read(EventId(3)).unwrap(), event(3, 10));
    second.folder.forget(EventId(1));
    second.folder.forget(EventId(3));
    drop(second);
    assert_eq!(left(&mut open(dir.path())), []);
}

#[test]
fn a_later_copy_takes_the_place_of_an_earlier_one() {
    let dir = temporary();
    let spool = open(dir.path());
    for bytes in [100, 10, 50] {
        assert!(spool.folder.keep(EventId(1), &stored::encode(&event(1, bytes))));
    }
    let length = stored::encode(&event(1, 50)).len() as u64;
    assert_eq!(spool.folder.counts(), (1, length));
    assert_eq!(spool.folder.read(EventId(1)).unwrap(), event(1, 50));
}

#[test]
fn two_processes_share_a_folder_and_one_of_them_sends_what_others_left() {
    let dir = temporary();
    keep(&open(dir.path()), 1);
    let mut first = open(dir.path());
    let mut second = open(dir.path());
    assert_eq!((left(&mut first), left(&mut second)), (vec![1], vec![]));
    assert!(keep(&second, 2));
    assert_eq!(second.folder.read(EventId(2)).unwrap(), event(2, 10));
    first.folder.forget(EventId(1));
    assert_eq!(second.folder.read(EventId(1)).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn projects_do_not_see_each_others_events() {
    let dir = temporary();
    keep(&open(dir.path()), 1);
    let other = Dsn::parse("http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/2").unwrap();
    assert_eq!(left(&mut Spool::open(Arc::new(Folder::new(dir.path(), &other)))), []);
}

#[test]
fn files_and_bytes_are_bounded_and_the_first_ones_stay() {
    let dir = temporary();
    let spool = open(dir.path());
    let kept = (0..FILES as u128 + 50).filter(|id| keep(&spool, *id)).count();
    assert_eq!(kept, FILES);
    spool.folder.forget(EventId(7));
    assert!(keep(&spool, 5000));
    drop(spool);
    let again = open(dir.path());
    assert!(!keep(&again, 6000), "what is there counts after a start too");
    let by_bytes = open(temporary().path());
    let large = vec![0; 1 << 20];
    assert_eq!((0..100).filter(|id| by_bytes.folder.keep(EventId(*id), &large)).count() as u64, BYTES >> 20);
}

#[test]
fn what_is_no_event_is_removed_and_what_is_not_ours_is_left_alone() {
    let dir = temporary();
    let before = open(dir.path());
    keep(&before, 6);
    let folder = before.folder.path().to_owned();
    drop(before);
    let name = |id: u128| folder.join(format!("{}.event", EventId(id)));
    fs::write(name(1), b"").unwrap();
    fs::write(name(2), b"garbage").unwrap();
    let whole = stored::encode(&event(3, 100));
    fs::write(name(3), &whole[..whole.len() - 1]).unwrap();
    fs::File::create(name(4)).unwrap().set_len(1 << 30).unwrap();
    fs::create_dir(name(5)).unwrap();
    fs::write(folder.join("notes.txt"), b"mine").unwrap();
    fs::write(folder.join("1.event"), b"mine").unwrap();
    let mut spool = open(dir.path());
    assert_eq!(left(&mut spool), [1, 2, 3, 4, 5, 6]);
    for id in 1..=5 {
        assert!(spool.folder.read(EventId(id)).is_err(), "{id}");
    }
    assert_eq!(spool.folder.read(EventId(6)).unwrap(), event(6, 10));
    assert!((1..=4).all(|id| !name(id).exists()));
    assert!(folder.join("notes.txt").exists() && folder.join("1.event").exists());
}

#[cfg(unix)]
#[test]
fn no_symbolic_link_is_followed() {
    use std::os::unix::fs::symlink;
    let dir = temporary();
    let outside = temporary();
    let canary = outside.path().join("canary");
    fs::write(&canary, stored::encode(&event(1, 10))).unwrap();
    let folder = open(dir.path()).folder.path().to_owned();
    symlink(&canary, folder.join(format!("{}.event", EventId(1)))).unwrap();
    symlink(&canary, folder.join(format!("{}.unfinished", EventId(2)))).unwrap();
    let mut spool = open(dir.path());
    assert_eq!(left(&mut spool), [1]);
    assert!(spool.folder.read(EventId(1)).is_err());
    assert!(!keep(&spool, 2), "another's file has its name");
    assert!(canary.exists());
    drop(spool);
    fs::remove_dir_all(&folder).unwrap();
    symlink(outside.path(), &folder).unwrap();
    let linked = open(dir.path());
    keep(&linked, 3);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "nothing was written through the link");
}

#[test]
fn a_folder_that_cannot_be_used_keeps_nothing_and_one_that_went_away_comes_back() {
    let dir = temporary();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(!keep(&open(&file), 1));
    let spool = open(&dir.path().join("a/b"));
    fs::remove_dir_all(dir.path().join("a")).unwrap();
    assert!(keep(&spool, 1));
    assert_eq!(spool.folder.read(EventId(1)).unwrap(), event(1, 10));
}

#[test]
fn what_a_dead_process_did_not_finish_is_removed_once_it_is_old() {
    let dir = temporary();
    let folder = open(dir.path()).folder.path().to_owned();
    let now = std::time::SystemTime::now();
    let [old, of_a_wrong_clock, new] =
        [(1, now - ABANDONED * 2), (2, now + ABANDONED * 60), (3, now)].map(|(id, written)| {
            let path = folder.join(format!("{}.unfinished", EventId(id)));
            fs::write(&path, b"half").unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
            path
        });
    drop(open(dir.path()));
    assert!(!old.exists() && !of_a_wrong_clock.exists() && new.exists());
}
