//! The last steps before a crash, kept a second time in a form that outlives everything.
//!
//! The SDK's own ring lies behind a lock and on the heap; a thread that dies inside of either could not be asked for
//! it. Here each place is a fixed piece of static memory; leaving a step takes a counter and a copy.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::words::store;

/// Most steps that are kept.
pub const STEPS: usize = 100;
/// Words of one.
pub const STEP_WORDS: usize = 64;
/// Words before its texts: its number, its time, the lengths.
const OUTLINE_WORDS: usize = 3;
/// Most bytes of a step's texts, all together.
pub const STEP_BYTES: usize = (STEP_WORDS - OUTLINE_WORDS) * size_of::<u64>();
/// Most bytes of its kind and its category.
const LABEL_BYTES: usize = 64;

static PLACES: [AtomicU64; STEPS * STEP_WORDS] = [const { AtomicU64::new(0) }; STEPS * STEP_WORDS];
static COUNT: AtomicU64 = AtomicU64::new(0);
static CAPACITY: AtomicUsize = AtomicUsize::new(0);

/// A step as it is left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step<'a> {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The caller's number for how bad it was.
    pub level: u8,
    /// Its kind.
    pub kind: &'a str,
    /// Where it comes from.
    pub category: &'a str,
    /// What it says.
    pub message: &'a str,
    /// Anything more, in the caller's form; it is kept whole or not at all.
    pub data: &'a str,
}

/// A step as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `Step`")]
pub struct StepRead {
    pub at_ms: i64,
    pub level: u8,
    pub kind: String,
    pub category: String,
    pub message: String,
    pub data: String,
}

/// Remembers a step; its texts are cut to what there is room for.
pub fn note_step(step: &Step<'_>) {
    let capacity = CAPACITY.load(Ordering::Relaxed);
    if capacity == 0 {
        return;
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let place = usize::try_from(number % capacity as u64).unwrap_or_default();
    let words = PLACES.get(place * STEP_WORDS..(place + 1) * STEP_WORDS);
    let Some([own_number, at, lengths, texts @ ..]) = words else { return };
    let mut text = [0; STEP_BYTES];
    let mut end = 0;
    let mut push = |part: &str, max: usize| {
        let part = cut(part, max.min(STEP_BYTES - end)).as_bytes();
        if let Some(to) = text.get_mut(end..end + part.len()) {
            to.copy_from_slice(part);
        }
        end += part.len();
        part.len() as u64
    };
    let kind = push(step.kind, LABEL_BYTES);
    let category = push(step.category, LABEL_BYTES);
    let message = push(step.message, STEP_BYTES);
    let rest = STEP_BYTES - (kind + category + message) as usize;
    let data = if step.data.len() <= rest { push(step.data, rest) } else { 0 };
    // Whoever reads it now must not take the old texts for this step's.
    own_number.store(0, Ordering::Relaxed);
    std::sync::atomic::fence(Ordering::Release);
    at.store(step.at_ms.cast_unsigned(), Ordering::Relaxed);
    let packed = u64::from(step.level) | kind << 8 | category << 16 | message << 32 | data << 48;
    lengths.store(packed, Ordering::Relaxed);
    store(texts, text.get(..end).unwrap_or_default());
    own_number.store(number + 1, Ordering::Release);
}

/// Forgets all steps, and keeps this many from now on.
pub fn reset(capacity: usize) {
    CAPACITY.store(capacity.min(STEPS), Ordering::Relaxed);
    COUNT.store(0, Ordering::Relaxed);
    for word in &PLACES {
        word.store(0, Ordering::Relaxed);
    }
}

/// The places in use, how many they are, and the steps that were left in all.
pub fn kept() -> (&'static [AtomicU64], usize, u64) {
    let capacity = CAPACITY.load(Ordering::Relaxed);
    let words = PLACES.get(..capacity * STEP_WORDS).unwrap_or_default();
    (words, capacity, COUNT.load(Ordering::Relaxed))
}

/// Reads steps back, the oldest first; a place that was being written is left out.
pub fn read(bytes: &[u8]) -> Vec<StepRead> {
    let mut steps: Vec<(u64, StepRead)> =
        bytes.chunks_exact(STEP_WORDS * size_of::<u64>()).filter_map(read_one).collect();
    steps.sort_by_key(|(number, _)| *number);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn read_one(place: &[u8]) -> Option<(u64, StepRead)> {
    let mut rest = place;
    let mut word = || {
        let (first, after) = rest.split_first_chunk()?;
        rest = after;
        Some(u64::from_ne_bytes(*first))
    };
    let (number, at, lengths) = (word()?, word()?, word()?);
    if number == 0 {
        return None;
    }
    let mut text = |length: u64| {
        let (part, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        Some(String::from_utf8_lossy(part).into_owned())
    };
    let step = StepRead {
        at_ms: at.cast_signed(),
        level: lengths as u8,
        kind: text(lengths >> 8 & 0xff)?,
        category: text(lengths >> 16 & 0xff)?,
        message: text(lengths >> 32 & 0xffff)?,
        data: text(lengths >> 48)?,
    };
    Some((number, step))
}

/// As much of a text as fits, to a whole character.
fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> Vec<StepRead> {
        let (words, _, _) = kept();
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.load(Ordering::Relaxed).to_ne_bytes()).collect();
        read(&bytes)
    }

    /// One test, since the ring is one for the whole process.
    #[test]
    fn the_last_steps_are_read_back_in_order_and_cut_to_their_room() {
        note_step(&Step { message: "before it is armed", ..Step::default() });
        reset(3);
        assert_eq!(all(), []);
        let long = "ü".repeat(400);
        for (at_ms, message) in (-1..).zip(["a", "b", "", long.as_str()]) {
            note_step(&Step { at_ms, level: 3, kind: "http", category: "shop", message, data: "{\"n\":1}" });
        }
        let steps = all();
        assert_eq!(steps.iter().map(|step| step.at_ms).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(kept().2, 4);
        let first = StepRead {
            at_ms: 0,
            level: 3,
            kind: "http".into(),
            category: "shop".into(),
            message: "b".into(),
            data: "{\"n\":1}".into(),
        };
        assert_eq!(steps[0], first);
        assert!(long.starts_with(&steps[2].message) && steps[2].message.len() == STEP_BYTES - 8);
        assert_eq!(steps[2].data, "");
        // Many threads at once: each step is one that somebody left.
        reset(STEPS);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    (0..5000).for_each(|_| note_step(&Step { message: "together", ..Step::default() }))
                });
            }
        });
        let together = all();
        assert!(together.len() == STEPS && together.iter().all(|step| step.message == "together"));
        reset(0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_steps_or_none(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&bytes);
        }
    }
}
