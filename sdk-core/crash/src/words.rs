//! Memory that a signal handler writes to a file while other threads may be changing it.
//!
//! It is made of atomic words, so that there is no moment at which reading it would be wrong, and it is static, so that
//! it cannot be gone. What a reader finds is old, new or, where a thread died in the middle, of both; it is read as
//! hostile bytes in any case.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::layout::{FACTS_WORDS, MODULES_WORDS};

const WORD: usize = size_of::<u64>();

/// What the program says about itself.
pub static FACTS: Published<FACTS_WORDS> = Published::new();
/// What is loaded where.
pub static MODULES: Published<MODULES_WORDS> = Published::new();

/// Copies bytes into words; what does not fit is left out.
pub fn store(words: &[AtomicU64], bytes: &[u8]) {
    let (whole, rest) = bytes.as_chunks();
    let mut last = [0; WORD];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let last = (!rest.is_empty()).then_some(&last);
    for (word, bytes) in words.iter().zip(whole.iter().chain(last)) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
}

/// Bytes that replace each other: the next ones are written beside those that count, and count when they are whole.
pub struct Published<const WORDS: usize> {
    halves: [[AtomicU64; WORDS]; 2],
    current: AtomicUsize,
    writer: Mutex<()>,
}

impl<const WORDS: usize> Published<WORDS> {
    const fn new() -> Published<WORDS> {
        Published {
            halves: [const { [const { AtomicU64::new(0) }; WORDS] }; 2],
            current: AtomicUsize::new(0),
            writer: Mutex::new(()),
        }
    }

    /// Replaces the bytes; says whether they fit.
    pub fn publish(&self, bytes: &[u8]) -> bool {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let next = 1 - self.current.load(Ordering::Relaxed).min(1);
        let Some([length, words @ ..]) = self.halves.get(next).map(<[_; WORDS]>::as_slice) else {
            return false;
        };
        if bytes.len() > words.len() * WORD {
            return false;
        }
        store(words, bytes);
        length.store(bytes.len() as u64, Ordering::Relaxed);
        self.current.store(next, Ordering::Release);
        true
    }

    /// The words that count: their length in bytes, then the bytes.
    pub fn current(&self) -> &[AtomicU64] {
        let half = self.halves.get(self.current.load(Ordering::Acquire));
        let Some(words) = half.map(<[_; WORDS]>::as_slice) else { return &[] };
        let length = words.first().map_or(0, |length| length.load(Ordering::Relaxed));
        let count = 1 + usize::try_from(length).map_or(0, |length| length.div_ceil(WORD));
        words.get(..count).unwrap_or(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[AtomicU64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
    }

    #[test]
    fn the_last_bytes_that_fit_count() {
        static PUBLISHED: Published<4> = Published::new();
        assert_eq!(shown(PUBLISHED.current()), [0; 8]);
        for (bytes, fits) in [(&b"first"[..], true), (b"and a longer one", true), (&[7; 25], false)] {
            assert_eq!(PUBLISHED.publish(bytes), fits);
        }
        let shown = shown(PUBLISHED.current());
        assert_eq!(shown.split_at(8), (&16u64.to_ne_bytes()[..], &b"and a longer one"[..]));
    }
}
