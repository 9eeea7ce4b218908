//! The spool on real folders, in every state that a folder can be in.

use std::io;

use error_sentinel_wire::Dsn;
use proptest::prelude::*;

use super::*;
use crate::engine::{MonotonicMs, Outgoing, stored};

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

fn named(id: u128) -> Vec<u8> {
    stored::encode_named(&event(id, 10))
}

fn slots(dir: &Path) -> Slots {
    Slots::create(&Folder::new(dir, &dsn())).unwrap()
}

fn panics_files(dir: &Path) -> usize {
    let folder = Folder::new(dir, &dsn());
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".panics")).count()
}

#[test]
fn panics_that_a_dead_process_left_in_its_slots_are_sent_by_the_next_one_once() {
    let dir = temporary();
    let before = slots(dir.path());
    let mut taken: Vec<_> = (1..=4).map(|id| before.keep(&named(id)).unwrap()).collect();
    assert_eq!(before.read(&taken[2]).unwrap(), event(3, 10));
    // The second needs no copy any more, the third has got a file of its own, the fifth takes the second's place.
    before.give_back(taken.remove(1));
    assert!(keep(&open(dir.path()), 3));
    before.keep(&named(5)).unwrap();
    drop(before);
    let mut next = open(dir.path());
    assert_eq!(next.take_panics(), (vec![], 0));
    assert_eq!(left(&mut next), [1, 3, 4, 5]);
    for id in [1, 4, 5] {
        assert_eq!(next.folder.read(EventId(id)).unwrap(), event(id, 10));
    }
    assert_eq!((panics_files(dir.path()), next.take_panics()), (0, (vec![], 0)));
}

#[test]
fn a_process_that_lives_keeps_its_panics_and_one_that_may_not_send_leaves_those_of_others() {
    let dir = temporary();
    let living = slots(dir.path());
    living.keep(&named(1)).unwrap();
    let mut first = open(dir.path());
    assert_eq!((first.take_panics(), left(&mut first)), ((vec![], 0), vec![]));
    drop((living, slots(dir.path())));
    // The first has the folder's lock, so that this one only removes the file in which there is nothing.
    let mut second = open(dir.path());
    assert_eq!((second.take_panics(), panics_files(dir.path())), ((vec![], 0), 1));
    first.take_panics();
    assert_eq!((left(&mut first), panics_files(dir.path())), (vec![1], 0));
}

#[test]
fn what_is_no_event_in_a_slot_is_counted_and_a_full_spool_loses_no_panic() {
    let dir = temporary();
    let folder = Folder::new(dir.path(), &dsn());
    folder.make().unwrap();
    let file = |id: u128| folder.path().join(format!("{}.panics", EventId(id)));
    // The first slot was torn, the second never taken, the third is whole, the rest is garbage.
    let mut bytes = vec![0; 4 * (32 << 10)];
    let torn = named(1);
    bytes[..torn.len() - 1].copy_from_slice(&torn[..torn.len() - 1]);
    let whole = named(3);
    bytes[2 * (32 << 10)..][..whole.len()].copy_from_slice(&whole);
    bytes[3 * (32 << 10)..].fill(b'x');
    fs::write(file(1), &bytes).unwrap();
    fs::write(file(2), b"").unwrap();
    fs::File::create(file(3)).unwrap().set_len(1 << 30).unwrap();
    fs::create_dir(file(4)).unwrap();
    let mut spool = open(dir.path());
    spool.folder.set_counts(FILES, 0);
    assert_eq!(spool.take_panics(), (vec![event(3, 10)], 2));
    assert!(!file(1).exists() && !file(2).exists() && file(3).exists() && file(4).exists());
}

#[cfg(unix)]
#[test]
fn slots_of_a_file_that_nobody_finds_any_more_are_none() {
    use std::os::unix::fs::symlink;
    let dir = temporary();
    let outside = temporary();
    let of_others = slots(outside.path());
    of_others.keep(&named(1)).unwrap();
    drop(of_others);
    let folder = Folder::new(dir.path(), &dsn());
    folder.make().unwrap();
    let other =
        fs::read_dir(Folder::new(outside.path(), &dsn()).path()).unwrap().next().unwrap().unwrap().path();
    symlink(&other, folder.path().join(other.file_name().unwrap())).unwrap();
    let mut spool = open(dir.path());
    assert_eq!((spool.take_panics(), left(&mut spool)), ((vec![], 0), vec![]));
    assert!(other.exists());
    let slots = slots(dir.path());
    slots.keep(&named(2)).unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(slots.keep(&named(3)).is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_that_has_become_another_files_is_not_written_to() {
    let dir = temporary();
    let slots = slots(dir.path());
    let slot = slots.keep(&named(1)).unwrap();
    let other = dir.path().join("mine");
    fs::write(&other, b"mine").unwrap();
    let is_its = |path: &Path| fs::read_link(path).is_ok_and(|file| file.starts_with(dir.path()));
    let mut open = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let descriptor = open.find(|path| is_its(path)).unwrap();
    let descriptor = descriptor.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let mine = fs::File::options().write(true).open(&other).unwrap();
    // Safety: both are open, and the first is closed by the slots, as it would be without this.
    #[expect(unsafe_code, reason = "it is what programs do that close all that they have")]
    let moved = unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&mine), descriptor) };
    assert_eq!(moved, descriptor);
    assert!(slots.keep(&named(2)).is_none());
    slots.give_back(slot);
    assert_eq!(fs::read(&other).unwrap(), b"mine");
}

#[test]
fn threads_that_panic_at_once_get_slots_of_their_own_as_long_as_there_are_any() {
    let dir = temporary();
    let slots = slots(dir.path());
    let (count, ids) = (std::sync::atomic::AtomicUsize::new(0), std::sync::atomic::AtomicU64::new(1));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let next = || ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into();
                // Every other one is given back at once.
                while let Some(slot) = slots.keep(&named(next())) {
                    slots.keep(&named(next())).into_iter().for_each(|slot| slots.give_back(slot));
                    assert!(slots.read(&slot).is_ok());
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 256);
    assert!(slots.keep(&named(1)).is_none());
    // The file stays, since there is something in it.
    slots.close();
    assert_eq!(panics_files(dir.path()), 1);
    drop(slots);
    let mut next = open(dir.path());
    assert_eq!(next.take_panics(), (vec![], 0));
    assert_eq!(left(&mut next).len(), 256);
}

#[test]
fn slots_in_which_nothing_is_left_are_removed_and_too_much_is_refused() {
    let dir = temporary();
    let slots = slots(dir.path());
    assert!(slots.keep(&vec![b'x'; (32 << 10) + 1]).is_none());
    let slot = slots.keep(&vec![b'x'; 32 << 10]).unwrap();
    slots.close();
    slots.give_back(slot);
    let again = slots.keep(&named(1)).unwrap();
    slots.give_back(again);
    assert_eq!(panics_files(dir.path()), 1);
    slots.close();
    assert_eq!(panics_files(dir.path()), 0);
    assert!(slots.keep(&named(2)).is_none(), "nobody would find it");
}

#[test]
fn a_disk_on_which_somebody_writes_for_long_hangs() {
    let folder = Folder::new(Path::new("nowhere"), &dsn());
    let at = MonotonicMs;
    assert!(!folder.hangs(at(1 << 40)));
    let first = folder.busy(at(1000));
    let second = folder.busy(at(1500));
    assert!(!folder.hangs(at(1100)) && folder.hangs(at(1101)));
    // Time that goes back is no time that has passed.
    assert!(!folder.hangs(at(0)));
    drop(second);
    assert!(folder.hangs(at(1101)));
    drop(first);
    assert!(!folder.hangs(at(1 << 40)));
}

/// What can happen to slots.
#[derive(Debug, Clone)]
enum Happening {
    Keep(usize),
    GiveBack(prop::sample::Index),
    /// The process dies and another one starts.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0usize..2000).prop_map(Happening::Keep),
        3 => any::<prop::sample::Index>().prop_map(Happening::GiveBack),
        1 => Just(Happening::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_happens_what_was_kept_and_not_given_back_is_left(happenings in prop::collection::vec(happening(), 0..60)) {
        let dir = temporary();
        let (mut now, mut held, mut next, mut all) = (slots(dir.path()), Vec::new(), 1, Vec::new());
        for happening in happenings {
            match happening {
                Happening::Keep(bytes) => {
                    let event = event(next, bytes);
                    held.push((event.clone(), now.keep(&stored::encode_named(&event)).unwrap()));
                    next += 1;
                }
                Happening::GiveBack(at) if !held.is_empty() => {
                    let (event, slot) = held.remove(at.index(held.len()));
                    prop_assert_eq!(now.read(&slot).unwrap(), event);
                    now.give_back(slot);
                }
                Happening::GiveBack(_) => {}
                Happening::Restart => {
                    now = slots(dir.path());
                    all.extend(held.drain(..).map(|(event, _)| event));
                    let mut spool = open(dir.path());
                    prop_assert_eq!(spool.take_panics(), (vec![], 0));
                    let read = all.iter().map(|event: &Outgoing| spool.folder.read(event.event_id).unwrap());
                    prop_assert_eq!(&read.collect::<Vec<_>>(), &all);
                    let mut ids: Vec<_> = all.iter().map(|event| event.event_id.0).collect();
                    ids.sort_unstable();
                    prop_assert_eq!(left(&mut spool), ids);
                }
            }
        }
    }
}
