//! An event of any JSON is read, and what was read is read the same again.

use error_sentinel_wire::codec::{decode_value, validate};
use error_sentinel_wire::{ClientReport, Event, log_error};

pub fn run(bytes: &[u8]) {
    let Ok(value) = decode_value(bytes) else {
        return;
    };
    assert_eq!(validate(bytes, ["event_id"]).is_ok(), value.as_object().is_some());
    let _ = log_error::event_from_value(value.clone());
    let _ = ClientReport::from_value(value.clone());
    let once = decode_value(&Event::from_value(value).to_json()).map(Event::from_value);
    let once = once.expect("what we write is JSON");
    let twice = decode_value(&once.to_json()).map(Event::from_value);
    assert_eq!(Ok(once), twice);
}
