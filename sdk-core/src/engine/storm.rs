//! One error that repeats without end, counted instead of sent again and again.
//!
//! The first ones of a key leave as they are. Once a key is a storm, its errors are counted in windows; each window
//! becomes one event that says exactly how many it stands for, and which users, messages and tag values they had, as
//! far as there is room. Nothing is sampled and nothing is dropped here. It must stay cheap enough to be asked on
//! the thread that reports, before anything is made of an error.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::{Occurrences, UnixMs, limits};

use super::MonotonicMs;

/// A key is a storm when more than this of it come within a second…
const CALM_COUNT: u32 = 10;
/// …unless they are of different users: each one's first error leaves as it is, up to this many.
const CALM_USERS: usize = 100;
/// The time that this is about.
const SECOND_MS: u64 = 1000;
/// Longest window. The first one of a storm is a second, each further one twice as long as the one before.
const LONGEST_WINDOW_MS: u64 = 10_000;
/// Most keys followed at a time; the errors of others leave as they are.
const KEYS: usize = 128;
/// Most values of one window told apart that there is no room for.
const MORE_VALUES: usize = 256;

/// One error as it is seen: what it has in common with others, and what not.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// The same for the same error, such as a hash of its frames.
    pub key: u64,
    /// When it happened, by the wall clock.
    pub at: UnixMs,
    /// Whose work failed.
    pub user: Option<&'a str>,
    /// What it said.
    pub message: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [(String, String)],
}

/// What to do with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send it as it is.
    Pass,
    /// It is counted; drop it.
    Counted,
    /// It is counted as the first of its window: give it to [`Storms::hold`], the report will be made of it.
    First,
}

/// The report of a window.
#[derive(Debug, PartialEq)]
pub struct Collapsed<T> {
    /// The first error of the window; its id is the report's.
    pub first: T,
    /// What to write on it.
    pub occurrences: Occurrences,
}

/// All keys that are followed. `T` is an error as the driver holds it.
#[derive(Debug)]
pub struct Storms<T> {
    followed: Vec<Followed<T>>,
    counted: u64,
}

#[derive(Debug)]
struct Followed<T> {
    key: u64,
    second_from: MonotonicMs,
    passed_count: u32,
    /// Hashes of the users that had an error in this second.
    users: Distinct,
    window: Option<Window<T>>,
    /// Length of the next window when the storm goes on.
    window_ms: u64,
    /// Until when the next error belongs to the storm.
    storm_until: MonotonicMs,
}

#[derive(Debug)]
struct Window<T> {
    /// Absent for the moment between its opening and [`Storms::hold`].
    first: Option<T>,
    from: MonotonicMs,
    until: MonotonicMs,
    occurrences: Occurrences,
    /// Hashes of the values that there was no room for.
    more: Distinct,
}

/// Hashes told apart. There are so few that a sorted list does, for a fraction of a tree's code.
#[derive(Debug, Default)]
struct Distinct(Vec<u64>);

impl Distinct {
    /// Adds a hash; says whether it is new.
    fn insert(&mut self, hash: u64) -> bool {
        match self.0.binary_search(&hash) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, hash);
                true
            }
        }
    }
}

impl<T> Default for Storms<T> {
    fn default() -> Self {
        Storms { followed: Vec::new(), counted: 0 }
    }
}

impl<T> Storms<T> {
    /// Decides about one error.
    pub fn admit(&mut self, sighting: &Sighting<'_>, now: MonotonicMs) -> Verdict {
        self.admit_many(sighting, 1, now)
    }

    /// Decides about `count` errors that were all seen alike; more than one of them never pass.
    pub fn admit_many(&mut self, sighting: &Sighting<'_>, count: u64, now: MonotonicMs) -> Verdict {
        let Some(followed) = self.follow(sighting.key, now) else { return Verdict::Pass };
        if let Some(window) = &mut followed.window {
            window.count(sighting, count);
            self.counted = self.counted.saturating_add(count);
            return Verdict::Counted;
        }
        if count == 1 && now >= followed.storm_until && followed.is_calm(sighting, now) {
            return Verdict::Pass;
        }
        let mut window = Window::open(sighting, now, followed.window_ms);
        window.count(sighting, count);
        followed.window = Some(window);
        self.counted = self.counted.saturating_add(count);
        Verdict::First
    }

    /// Takes the first error of the window that [`Storms::admit`] has just opened for `key`.
    pub fn hold(&mut self, key: u64, first: T) {
        let followed = self.followed.iter_mut().find(|followed| followed.key == key);
        if let Some(window) = followed.and_then(|followed| followed.window.as_mut()) {
            window.first.get_or_insert(first);
        }
    }

    /// A window that is over; ask until there is none.
    pub fn poll(&mut self, now: MonotonicMs) -> Option<Collapsed<T>> {
        // One that is yet to begin is of before the clock went back: it would stay open for as long as that was.
        self.close(|window| window.until <= now || window.from > now, now)
    }

    /// Any window, over or not: the process is about to end.
    pub fn close_early(&mut self, now: MonotonicMs) -> Option<Collapsed<T>> {
        self.close(|_| true, now)
    }

    /// When the next window is over.
    pub fn next_at(&self) -> Option<MonotonicMs> {
        self.followed.iter().filter_map(|followed| followed.window.as_ref()).map(|window| window.until).min()
    }

    /// Errors counted in windows that are still open.
    pub fn counted(&self) -> u64 {
        self.counted
    }

    fn close(&mut self, is_over: impl Fn(&Window<T>) -> bool, now: MonotonicMs) -> Option<Collapsed<T>> {
        let followed =
            self.followed.iter_mut().find(|followed| followed.window.as_ref().is_some_and(&is_over))?;
        let Window { first, from, until, mut occurrences, more } = followed.window.take()?;
        occurrences.more_count = more.0.len() as u64;
        self.counted = self.counted.saturating_sub(occurrences.count);
        let seconds = until.after(from) / SECOND_MS;
        if occurrences.count >= u64::from(CALM_COUNT) * seconds.max(1) {
            followed.storm_until = now.plus_ms(SECOND_MS);
            followed.window_ms = (followed.window_ms * 2).min(LONGEST_WINDOW_MS);
        } else {
            followed.window_ms = SECOND_MS;
        }
        Some(Collapsed { first: first?, occurrences })
    }

    /// The entry of a key; `None` when as many storms rage as can be followed.
    fn follow(&mut self, key: u64, now: MonotonicMs) -> Option<&mut Followed<T>> {
        let known = self.followed.iter().position(|followed| followed.key == key);
        let at = match known {
            Some(at) => at,
            None if self.followed.len() < KEYS => {
                self.followed.push(Followed::new(key, now));
                self.followed.len() - 1
            }
            None => {
                let idle = self.followed.iter().enumerate().filter(|(_, followed)| followed.window.is_none());
                let (at, _) = idle.min_by_key(|(_, followed)| followed.second_from)?;
                *self.followed.get_mut(at)? = Followed::new(key, now);
                at
            }
        };
        // Storms are asked about again and again: the last one asked about is found first.
        self.followed.swap(0, at);
        self.followed.first_mut()
    }
}

impl<T> Followed<T> {
    fn new(key: u64, now: MonotonicMs) -> Followed<T> {
        Followed {
            key,
            second_from: now,
            passed_count: 0,
            users: Distinct::default(),
            window: None,
            window_ms: SECOND_MS,
            storm_until: MonotonicMs::default(),
        }
    }

    /// Whether this error may pass.
    fn is_calm(&mut self, sighting: &Sighting<'_>, now: MonotonicMs) -> bool {
        if now >= self.second_from.plus_ms(SECOND_MS) {
            self.second_from = now;
            self.passed_count = 0;
            self.users.0.clear();
            self.window_ms = SECOND_MS;
        }
        let has_room = self.users.0.len() < CALM_USERS;
        let is_new_user = has_room && sighting.user.is_some_and(|user| self.users.insert(hash(&[user])));
        let is_calm = is_new_user || self.passed_count < CALM_COUNT;
        self.passed_count += u32::from(is_calm);
        is_calm
    }
}

impl<T> Window<T> {
    fn open(sighting: &Sighting<'_>, now: MonotonicMs, length_ms: u64) -> Window<T> {
        Window {
            first: None,
            from: now,
            until: now.plus_ms(length_ms),
            occurrences: Occurrences { first: Some(sighting.at), ..Occurrences::default() },
            more: Distinct::default(),
        }
    }

    fn count(&mut self, sighting: &Sighting<'_>, count: u64) {
        let many = &mut self.occurrences;
        many.count = many.count.saturating_add(count);
        many.first = many.first.min(Some(sighting.at));
        many.last = many.last.max(Some(sighting.at));
        let more = &mut self.more;
        if let Some(user) = sighting.user {
            note(&mut many.users, more, "user", user, limits::SHORT_TEXT_BYTES);
        }
        if let Some(message) = sighting.message {
            note(&mut many.messages, more, "message", message, limits::MESSAGE_BYTES / 8);
        }
        for (key, value) in sighting.tags {
            let values = match many.tags.iter_mut().position(|(known, _)| known == key) {
                Some(at) => many.tags.get_mut(at),
                None if many.tags.len() < limits::TAGS => {
                    many.tags.push((key.clone(), Vec::new()));
                    many.tags.last_mut()
                }
                None => None,
            };
            if let Some((_, values)) = values {
                note(values, more, key, value, limits::TAG_VALUE_BYTES);
            }
        }
    }
}

/// Keeps a value that is new while there is room, and counts it after that.
fn note(values: &mut Vec<String>, more: &mut Distinct, kind: &str, value: &str, max_bytes: usize) {
    // What was cut ends with a mark that the value does not have, so the comparison is of the beginning.
    let is_same = |known: &String| {
        *known == value || value.len() > max_bytes && value.starts_with(known.trim_end_matches('…'))
    };
    if values.iter().any(is_same) {
        return;
    }
    if values.len() < limits::OCCURRENCE_VALUES {
        let mut value = value.to_owned();
        limits::cut(&mut value, max_bytes);
        values.push(value);
    } else if more.0.len() < MORE_VALUES {
        more.insert(hash(&[kind, value]));
    }
}

/// A key of texts. FNV-1a, by Fowler, Noll and Vo: enough to tell apart what one program does, cheap for short ones.
pub fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn sighting<'a>(key: u64, at: i64, user: Option<&'a str>) -> Sighting<'a> {
        Sighting { key, at: UnixMs(at), user, message: Some("boom"), tags: &[] }
    }

    fn passes(storms: &mut Storms<u32>, sighting: Sighting<'_>, now: u64) -> bool {
        let verdict = storms.admit(&sighting, MonotonicMs(now));
        if verdict == Verdict::First {
            storms.hold(sighting.key, 0);
        }
        verdict == Verdict::Pass
    }

    #[test]
    fn a_million_repeats_are_ten_events_and_a_few_exact_counts() {
        let mut storms = Storms::default();
        let (mut passed, mut reports, mut reported) = (0, 0, 0);
        for n in 0..1_000_000u64 {
            let now = MonotonicMs(n / 20);
            passed += u64::from(passes(&mut storms, sighting(1, n as i64, None), now.0));
            while let Some(collapsed) = storms.poll(now) {
                reports += 1;
                reported += collapsed.occurrences.count;
            }
            assert_eq!(passed + reported + storms.counted(), n + 1);
        }
        while let Some(collapsed) = storms.close_early(MonotonicMs(50_000)) {
            reports += 1;
            reported += collapsed.occurrences.count;
        }
        assert_eq!((passed, passed + reported), (10, 1_000_000));
        assert!(reports <= 9, "{reports}: 1, 2, 4, 8 seconds, then 10 each");
    }

    #[test]
    fn a_hundred_errors_of_a_hundred_users_are_a_hundred_events() {
        let mut storms = Storms::default();
        for n in 0..100 {
            assert!(passes(&mut storms, sighting(1, 0, Some(&format!("user {n}"))), n));
        }
        let mut loops = Storms::default();
        let passed = (0..100).filter(|n| passes(&mut loops, sighting(1, 0, Some("one user")), *n)).count();
        assert_eq!(passed, 10);
    }

    #[test]
    fn ten_a_second_are_no_storm_and_a_storm_that_calms_down_is_over() {
        let mut storms = Storms::default();
        assert!((0..100).all(|n| passes(&mut storms, sighting(1, 0, None), n * 100)));
        let passed = (0..20).filter(|n| passes(&mut storms, sighting(1, 0, None), 20_000 + n)).count();
        assert_eq!(passed, 10);
        let report = storms.poll(MonotonicMs(21_100)).expect("a window");
        assert_eq!(report.occurrences.count, 10);
        assert!(!passes(&mut storms, sighting(1, 0, None), 21_200), "it may still go on");
        assert_eq!(storms.poll(MonotonicMs(23_200)).expect("a window").occurrences.count, 1);
        assert!(passes(&mut storms, sighting(1, 0, None), 23_300));
    }

    #[test]
    fn values_are_kept_up_to_their_bound_and_counted_after_it() {
        let mut storms = Storms::default();
        for n in 0..1000i64 {
            let user = format!("user {}", n % 50);
            let message = format!("order {} failed", n % 40);
            let tags = [("shard".to_owned(), format!("{}", n % 5)), ("cart".to_owned(), format!("{n}"))];
            let sighting = Sighting {
                key: 1,
                at: UnixMs(5000 - n),
                user: Some(&user),
                message: Some(&message),
                tags: &tags,
            };
            passes(&mut storms, sighting, 0);
        }
        let many = storms.close_early(MonotonicMs(0)).expect("a window").occurrences;
        // Fifty users' first errors pass, and ten counts those among them.
        assert_eq!(many.count, 950);
        assert_eq!((many.users.len(), many.messages.len()), (32, 32));
        assert_eq!(many.tags[0].1.len(), 5);
        assert_eq!(many.tags[1].1.len(), 32);
        // 18 users, 8 messages, and of the 918 carts as many as are told apart.
        assert_eq!(many.more_count, MORE_VALUES as u64);
        assert_eq!((many.first, many.last), (Some(UnixMs(4001)), Some(UnixMs(4950))));
    }

    #[test]
    fn a_window_does_not_stay_open_for_as_long_as_the_clock_went_back() {
        let mut storms = Storms::default();
        let mut raise = |now| passes(&mut storms, sighting(1, 0, None), now);
        assert_eq!((0..12).filter(|_| raise(1_000_000)).count(), 10);
        assert_eq!(storms.poll(MonotonicMs(1_000_999)), None);
        assert_eq!(storms.poll(MonotonicMs(999_999)).map(|closed| closed.occurrences.count), Some(2));
        assert_eq!(storms.next_at(), None);
    }

    #[test]
    fn the_table_is_bounded_and_what_does_not_fit_passes() {
        let mut storms = Storms::default();
        for key in 0..1000 {
            for _ in 0..20 {
                passes(&mut storms, sighting(key, 0, None), 0);
            }
        }
        assert_eq!(storms.followed.len(), KEYS);
        assert_eq!(storms.counted(), KEYS as u64 * 10);
        assert!((0..20).all(|_| passes(&mut storms, sighting(5000, 0, None), 0)));
        while storms.poll(MonotonicMs(2000)).is_some() {}
        assert_eq!(storms.counted(), 0);
        assert_eq!((0..20).filter(|_| passes(&mut storms, sighting(5000, 0, None), 9000)).count(), 10);
    }

    #[test]
    fn a_long_message_is_kept_once_and_cut() {
        let mut storms = Storms::default();
        let long = "ä".repeat(5000);
        for _ in 0..30 {
            let sighting = Sighting { message: Some(&long), ..sighting(1, 0, None) };
            passes(&mut storms, sighting, 0);
        }
        let many = storms.close_early(MonotonicMs(0)).expect("a window").occurrences;
        assert_eq!(many.messages.len(), 1);
        assert!(many.messages[0].len() <= 1024 && many.messages[0].ends_with('…'));
    }
}
