//! Errors per hour as a row of bars.

use crate::store::issue::Bucket;

/// Width of a bar and the gap after it, in units of the drawing.
const BAR: usize = 4;
const GAP: usize = 1;
/// Height of the drawing.
pub const HEIGHT: usize = 24;

/// The drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparkline {
    /// Its width.
    pub width: usize,
    /// Its bars.
    pub bars: Vec<Bar>,
    /// What it shows, in words.
    pub label: String,
}

/// One hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

impl Sparkline {
    /// Draws buckets of equal width, oldest first. An hour with a single error is visible beside one with a million.
    pub fn new(buckets: &[Bucket]) -> Sparkline {
        let most = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
        let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
        let bars = buckets
            .iter()
            .enumerate()
            .map(|(at, bucket)| {
                let height = match (bucket.count, most) {
                    (0, _) | (_, 0) => 1,
                    (count, most) => {
                        let share = count as f64 / most as f64;
                        ((share * HEIGHT as f64) as usize).clamp(3, HEIGHT)
                    }
                };
                Bar { x: at * (BAR + GAP), y: HEIGHT - height, width: BAR, height }
            })
            .collect();
        Sparkline {
            width: (buckets.len() * (BAR + GAP)).saturating_sub(GAP),
            bars,
            label: format!("{total} in {} hours, at most {most} an hour", buckets.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use error_sentinel_wire::UnixMs;

    #[test]
    fn the_highest_hour_fills_the_drawing_and_a_single_error_is_seen() {
        let bucket = |count| Bucket { start: UnixMs(0), count };
        let drawn = Sparkline::new(&[bucket(0), bucket(1), bucket(1_000_000)]);
        let heights: Vec<usize> = drawn.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [1, 3, HEIGHT]);
        assert!(drawn.bars.iter().all(|bar| bar.y + bar.height == HEIGHT));
        assert_eq!(Sparkline::new(&[]).width, 0);
    }
}
