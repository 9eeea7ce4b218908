//! What an SDK had to drop, and why: the item `client_report`.

use alloc::string::String;
use alloc::vec::Vec;

use crate::codec::JsonWriter;
use crate::time::UnixMs;

/// Losses of one sender since its last report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientReport {
    /// When it was made, by the sender's clock.
    pub timestamp: Option<UnixMs>,
    /// The losses.
    pub discarded: Vec<Discarded>,
}

/// Losses of one kind for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discarded {
    /// `queue_overflow`, `ratelimit_backoff`, `network_error`, `sample_rate`, `before_send`…; an open set.
    pub reason: String,
    /// What was lost: `error`, `transaction`…
    pub category: String,
    /// How many.
    pub quantity: u64,
}

impl ClientReport {
    /// Writes it as JSON.
    pub fn write(&self, w: &mut JsonWriter) {
        w.object(|w| {
            if let Some(time) = self.timestamp {
                w.key("timestamp").plain_string(&time.digits());
            }
            w.key("discarded_events").array(|w| {
                for lost in &self.discarded {
                    w.object(|w| {
                        w.key("reason").string(&lost.reason);
                        w.key("category").string(&lost.category);
                        w.key("quantity").uint(lost.quantity);
                    });
                }
            });
        });
    }

    /// Reads whatever can be read, a relay's lists of its own losses too.
    #[cfg(feature = "decode")]
    pub fn from_value(value: crate::value::Value) -> ClientReport {
        use crate::value::Value;
        let mut object = value.into_object();
        let timestamp = object.get("timestamp").and_then(UnixMs::from_value);
        let mut discarded = Vec::new();
        for key in ["discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"]
        {
            let Some(Value::Array(items)) = object.take(key) else { continue };
            for item in items {
                let mut item = item.into_object();
                let quantity = match item.get("quantity") {
                    Some(Value::Int(number)) => u64::try_from(*number).unwrap_or(0),
                    _ => 0,
                };
                let mut text = |key| item.take(key).and_then(Value::into_text);
                let (reason, category) = (text("reason"), text("category"));
                if quantity > 0 {
                    discarded.push(Discarded {
                        reason: reason.unwrap_or_else(|| key.into()),
                        category: category.unwrap_or_else(|| "default".into()),
                        quantity,
                    });
                }
            }
        }
        ClientReport { timestamp, discarded }
    }
}
