//! What every queue must do. A backend's tests call these functions with a queue that is empty and new.
//!
//! The functions panic where a promise is broken; they are for tests alone.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use error_sentinel_wire::{ProjectId, UnixMs};

use super::{Accepted, JobId, PushError, Queue};

/// Longer than any machine needs; only a broken queue makes a test wait for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens the queue under test anew, as a start after `kill -9` would: what was acknowledged must be there.
pub type Reopen<'a> = &'a mut dyn FnMut() -> Arc<dyn Queue>;

/// Something to push: `number` tells it apart, `bytes` of envelope that do not compress.
pub fn accepted(number: u32, bytes: usize) -> Accepted {
    // A generator of numbers without a pattern (xorshift), so that nothing can be packed away.
    let mut seed = u64::from(number) << 1 | 1;
    let mut envelope = Vec::with_capacity(bytes + 8);
    envelope.extend_from_slice(&number.to_be_bytes());
    while envelope.len() < bytes {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        envelope.extend_from_slice(&seed.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    envelope.truncate(bytes.max(4));
    Accepted {
        project_id: ProjectId(number % 7 + 1),
        received_at: UnixMs(1_800_000_000_000 + i64::from(number)),
        remote_addr: number.is_multiple_of(2).then(|| IpAddr::from([10, 0, 0, 1])),
        envelope: Bytes::from(envelope),
    }
}

fn push(queue: &dyn Queue, accepted: Accepted) -> Result<(), PushError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(queue.push(accepted))
}

fn numbers(queue: &dyn Queue, after: Option<JobId>) -> Vec<u32> {
    let jobs = queue.take(after, usize::MAX, usize::MAX).unwrap();
    jobs.iter().map(|job| u32::from_be_bytes(job.accepted.envelope[..4].try_into().unwrap())).collect()
}

/// Jobs come out in the order of their acknowledgement, whole, as often as they are asked for.
pub fn gives_what_was_pushed_in_order(queue: &dyn Queue) {
    let sizes = [4, 100, 5_000, 70_000, 700_000];
    for (number, bytes) in (0u32..).zip(sizes) {
        push(queue, accepted(number, bytes)).unwrap();
    }
    let compressible = Accepted { envelope: Bytes::from(vec![b'a'; 50_000]), ..accepted(5, 4) };
    push(queue, compressible.clone()).unwrap();
    for _ in 0..2 {
        let jobs = queue.take(None, 100, usize::MAX).unwrap();
        let got: Vec<_> = jobs.iter().map(|job| job.accepted.clone()).collect();
        let mut expected: Vec<_> =
            (0u32..).zip(sizes).map(|(number, bytes)| accepted(number, bytes)).collect();
        expected.push(compressible.clone());
        assert!(got == expected, "jobs differ from what was pushed");
        assert!(jobs.windows(2).all(|pair| pair[0].id < pair[1].id));
        let rest = queue.take(Some(jobs[1].id), 100, usize::MAX).unwrap();
        assert!(rest == jobs[2..], "`after` is where the next batch begins");
    }
}

/// A batch ends at its bounds, and holds at least one job.
pub fn bounds_a_batch(queue: &dyn Queue) {
    for number in 0..10 {
        push(queue, accepted(number, 1000)).unwrap();
    }
    assert_eq!(queue.take(None, 3, usize::MAX).unwrap().len(), 3);
    assert_eq!(queue.take(None, 10, 1).unwrap().len(), 1);
    let about = queue.take(None, 10, 3500).unwrap().len();
    assert!((3..=4).contains(&about), "{about}");
}

/// What was acknowledged is there after a start anew; what was removed is not; ids go on.
pub fn keeps_what_it_acknowledged(reopen: Reopen<'_>) {
    let queue = reopen();
    for number in 0..20 {
        push(&*queue, accepted(number, 3000)).unwrap();
    }
    let jobs = queue.take(None, 100, usize::MAX).unwrap();
    queue.remove(jobs[4].id).unwrap();
    let (last, depth) = (jobs[19].id, queue.depth());
    drop(queue);

    let queue = reopen();
    assert_eq!(numbers(&*queue, None), (5..20).collect::<Vec<_>>());
    assert_eq!(queue.depth(), depth);
    queue.remove(last).unwrap();
    drop(queue);

    let queue = reopen();
    assert_eq!(queue.depth().job_count, 0);
    push(&*queue, accepted(20, 10)).unwrap();
    let next = queue.take(None, 1, usize::MAX).unwrap()[0].id;
    assert!(next > last, "the id of a job that was removed names another one now");
}

/// An acknowledgement is worth something at once: whoever opens the queue's storage then finds the job.
///
/// `copy` opens what lies on the disk at that moment, the running queue untouched.
pub fn acknowledges_only_what_is_stored(queue: &dyn Queue, copy: &mut dyn FnMut() -> Arc<dyn Queue>) {
    for number in 0..5 {
        push(queue, accepted(number, 2000)).unwrap();
        assert_eq!(numbers(&*copy(), None), (0..=number).collect::<Vec<_>>());
    }
}

/// It refuses before its bound is passed, says how much it holds, and accepts again when there is room.
pub fn refuses_at_its_bound(queue: &dyn Queue) {
    let limit = queue.depth().byte_limit;
    let mut count = 0;
    let refused = loop {
        match push(queue, accepted(count, 10_000)) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
        assert!(queue.depth().byte_count <= limit);
        assert!(u64::from(count) * 10_000 <= limit, "more is held than the bound allows");
    };
    let held = queue.depth();
    assert_eq!(refused, PushError::Full { held_bytes: held.byte_count });
    assert!(held.byte_count + 11_000 > limit, "it refused with room to spare: {held:?}");
    assert_eq!(held.job_count, u64::from(count));

    let first = queue.take(None, 1, usize::MAX).unwrap()[0].id;
    queue.remove(first).unwrap();
    push(queue, accepted(count, 10_000)).unwrap();
    assert_eq!(numbers(queue, None), (1..=count).collect::<Vec<_>>());
}

/// Many pushes at the same instant cannot pass the bound together.
pub fn refuses_at_its_bound_under_load(queue: &dyn Queue) {
    let limit = queue.depth().byte_limit;
    let tries = u32::try_from(limit / 10_000).unwrap() * 2;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let results = runtime.block_on(futures_util::future::join_all(
        (0..tries).map(|number| queue.push(accepted(number, 10_000))),
    ));
    let held = results.iter().filter(|result| result.is_ok()).count() as u64;
    assert!(held > 0 && held < u64::from(tries));
    assert_eq!(queue.depth().job_count, held);
    assert!(queue.depth().byte_count <= limit);
}

/// Removal forgets exactly what it names, whatever is pushed meanwhile, and may be repeated.
pub fn removes_what_it_is_told(queue: &dyn Queue) {
    for number in 0..300 {
        push(queue, accepted(number, 500)).unwrap();
    }
    let jobs = queue.take(None, 300, usize::MAX).unwrap();
    queue.remove(jobs[199].id).unwrap();
    assert_eq!(numbers(queue, None), (200..300).collect::<Vec<_>>());
    queue.remove(jobs[99].id).unwrap();
    queue.remove(jobs[199].id).unwrap();
    push(queue, accepted(300, 500)).unwrap();
    assert_eq!(numbers(queue, None), (200..301).collect::<Vec<_>>());
    assert_eq!(queue.depth().job_count, 101);
    assert_eq!(queue.depth().oldest, Some(accepted(200, 4).received_at));
    queue.remove(JobId(i64::MAX)).unwrap();
    let depth = queue.depth();
    assert_eq!((depth.job_count, depth.byte_count, depth.oldest), (0, 0, None));
    assert_eq!(numbers(queue, None), Vec::<u32>::new());
}

/// Who waits is woken by a push, and not kept when there is something already.
pub fn wakes_who_waits(queue: &dyn Queue) {
    assert!(!queue.wait(None, Duration::ZERO));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.wait(None, PATIENCE));
        push(queue, accepted(0, 100)).unwrap();
        assert!(waiting.join().unwrap());
    });
    let first = queue.take(None, 1, usize::MAX).unwrap()[0].id;
    assert!(queue.wait(None, Duration::ZERO));
    assert!(!queue.wait(Some(first), Duration::ZERO));
    queue.remove(first).unwrap();
    assert!(!queue.wait(None, Duration::ZERO));
}

/// A closed queue accepts nothing, keeps what it has, and lets nobody wait.
pub fn closes(reopen: Reopen<'_>) {
    let queue = reopen();
    push(&*queue, accepted(0, 100)).unwrap();
    let first = queue.take(None, 1, usize::MAX).unwrap()[0].id;
    let asked = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.wait(Some(first), PATIENCE));
        queue.close();
        assert!(!waiting.join().unwrap());
    });
    assert!(asked.elapsed() < PATIENCE, "closing left somebody waiting");
    assert_eq!(push(&*queue, accepted(1, 100)), Err(PushError::Closed));
    queue.close();
    drop(queue);
    assert_eq!(numbers(&*reopen(), None), [0]);
}

/// A closed queue can be emptied, or every stop would leave work to the next start.
pub fn empties_after_it_is_closed(queue: &dyn Queue) {
    for number in 0..3 {
        push(queue, accepted(number, 100)).unwrap();
    }
    queue.close();
    let jobs = queue.take(None, 10, usize::MAX).unwrap();
    assert_eq!(jobs.len(), 3);
    queue.remove(jobs[2].id).unwrap();
    assert_eq!(queue.depth().job_count, 0);
    assert!(!queue.wait(None, PATIENCE));
}

/// Pushes from many threads are all held, each once.
pub fn serves_many_at_once(queue: &dyn Queue) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for number in 0..50 {
                    push(queue, accepted(thread * 50 + number, 1200)).unwrap();
                }
            });
        }
    });
    let mut got = numbers(queue, None);
    got.sort_unstable();
    assert_eq!(got, (0..400).collect::<Vec<_>>());
}
