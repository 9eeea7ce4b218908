//! Sorts the items of an envelope: what is kept, what nobody here reads, what is wrong and why.

use axum::http::StatusCode;
use bytes::Bytes;
use error_sentinel_wire::envelope::{self, EnvelopeWriter, Header, ItemError};
use error_sentinel_wire::{EventId, codec, limits};

use super::quota::Cost;
use super::reply::Refusal;

/// An envelope, sorted.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The envelope in its canonical form, of kept items only; `None` when nothing is kept.
    pub kept: Option<Bytes>,
    /// Events kept.
    pub event_count: usize,
    /// What keeping this costs of the sender's quota: one for each event and each text of a user, the first
    /// client report beside them nothing.
    pub cost: Cost,
    /// What the answer names: the first event's id, else the envelope's.
    pub id: Option<EventId>,
    /// Types of items that nobody here reads.
    pub ignored: Vec<String>,
    /// What was wrong, in order. The first decides the status.
    pub refusals: Vec<Refusal>,
}

/// Item types that digest reads.
fn is_read(kind: &str) -> bool {
    matches!(kind, "event" | "client_report" | "user_report" | "feedback")
}

/// Sorts `bytes`, whose header line was read already. `new_id` makes an id for an event that has none.
pub fn sort(header: &Header, items: envelope::Items<'_>, mut new_id: impl FnMut() -> EventId) -> Sorted {
    let mut sorted = Sorted { id: header.event_id, ..Sorted::default() };
    let mut events = Vec::new();
    let mut others = Vec::new();
    let mut events_sent = 0;
    for (index, item) in items.enumerate() {
        if index >= limits::ENVELOPE_ITEMS {
            let detail = format!("the envelope has more than {} items", limits::ENVELOPE_ITEMS);
            sorted.refusals.push(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_items", detail));
            break;
        }
        let item = match item {
            Ok(item) => item,
            Err(ItemError { kind: Some(kind), is_framed: true, .. }) if !is_read(&kind) => {
                sorted.ignored.push(kind);
                continue;
            }
            Err(error) => {
                events_sent += usize::from(error.kind.as_deref() == Some("event"));
                sorted.refusals.push(Refusal::new(StatusCode::BAD_REQUEST, "framing", error.to_string()));
                continue;
            }
        };
        let kind = item.header.kind.as_str();
        if !is_read(kind) {
            sorted.ignored.push(item.header.kind);
            continue;
        }
        events_sent += usize::from(kind == "event");
        let cap = if kind == "client_report" { limits::CLIENT_REPORT_BYTES } else { limits::EVENT_BYTES };
        if item.payload.len() > cap {
            let detail = format!("item {index}: the {kind} is over {cap} bytes");
            sorted.refusals.push(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
            continue;
        }
        match codec::validate(item.payload, ["event_id"]) {
            Err(error) => {
                let detail = format!("item {index}: the {kind} is {error}");
                sorted.refusals.push(Refusal::new(StatusCode::BAD_REQUEST, "json", detail));
            }
            Ok([own_id]) if kind == "event" => {
                let own_id = own_id.and_then(|text| EventId::parse(&text).ok());
                events.push((events_sent == 1, item.header.event_id, own_id, item.payload));
            }
            Ok(_) => others.push((item.header.kind, item.payload)),
        }
    }
    if events.is_empty() && others.is_empty() {
        return sorted;
    }

    // By the specification the envelope's id is that of its only event. Real envelopes hold several; then only
    // the ids beside or inside them can tell them apart. The envelope's is left for the first one that was sent,
    // when that has none and no other claims it; the one that is left when others were refused must not take it.
    let is_only = events_sent == 1;
    let is_claimed = events
        .iter()
        .any(|(_, item_id, own_id, _)| header.event_id.is_some() && item_id.or(*own_id) == header.event_id);
    let envelope_id = header.event_id.filter(|_| is_only || !is_claimed);
    let reports = others.iter().filter(|(kind, _)| kind == "client_report").count();
    sorted.cost = if reports == events.len() + others.len() {
        Cost::Reports(reports)
    } else {
        Cost::Events(events.len() + others.len() - reports.min(1))
    };
    let mut writer = EnvelopeWriter::new(&Header { event_id: None, dsn: None, ..header.clone() });
    sorted.event_count = events.len();
    for (at, (is_first, item_id, own_id, payload)) in events.into_iter().enumerate() {
        let envelope_id = envelope_id.filter(|_| is_first);
        let sent_id =
            if is_only { item_id.or(envelope_id).or(own_id) } else { item_id.or(own_id).or(envelope_id) };
        let id = sent_id.unwrap_or_else(&mut new_id);
        if at == 0 {
            sorted.id = Some(id);
        }
        writer.item("event", Some(id), payload);
    }
    for (kind, payload) in others {
        writer.item(&kind, header.event_id, payload);
    }
    sorted.kept = Some(writer.into_bytes().into());
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn sorted(envelope: &str) -> Sorted {
        let (header, items) = envelope::open(envelope.as_bytes()).unwrap();
        sort(&header, items, || EventId(7))
    }

    fn kept(sorted: &Sorted) -> Vec<(String, Option<EventId>, String)> {
        let Some(bytes) = &sorted.kept else { return Vec::new() };
        let (_, items) = envelope::open(bytes).unwrap();
        items
            .map(|item| item.unwrap())
            .map(|item| {
                (item.header.kind, item.header.event_id, String::from_utf8_lossy(item.payload).into())
            })
            .collect()
    }

    #[test]
    fn what_nobody_reads_is_ignored_and_the_event_beside_it_kept() {
        let sorted = sorted(&format!(
            "{{\"event_id\":\"{A}\"}}\n{{\"type\":\"transaction\"}}\n{{}}\n{{\"type\":\"mystery\"}}\nx\n\
             {{\"type\":\"event\"}}\n{{\"a\":1}}\n{{\"type\":\"client_report\"}}\n{{}}"
        ));
        assert_eq!(sorted.ignored, ["transaction", "mystery"]);
        assert_eq!(sorted.refusals, []);
        let id = EventId::parse(A).ok();
        assert_eq!(
            kept(&sorted),
            [("event".into(), id, "{\"a\":1}".into()), ("client_report".into(), id, "{}".into())]
        );
    }

    #[test]
    fn a_bad_item_costs_only_itself() {
        let big = format!("{{\"x\":\"{}\"}}", "y".repeat(limits::EVENT_BYTES));
        let sorted = sorted(&format!(
            "{{}}\n{{\"type\":\"event\"}}\n{{oops\n{{\"type\":\"event\"}}\n{big}\n{{\"type\":\"event\"}}\n\
             {{\"event_id\":\"{B}\"}}\n{{\"type\":\"event\",\"length\":99}}\n{{}}"
        ));
        let statuses: Vec<u16> = sorted.refusals.iter().map(|refusal| refusal.status.as_u16()).collect();
        assert_eq!(statuses, [400, 413, 400]);
        assert_eq!(sorted.event_count, 1);
        assert_eq!(kept(&sorted)[0].1, EventId::parse(B).ok());
    }

    #[test]
    fn a_wrong_length_of_something_that_nobody_reads_matters_to_nobody() {
        let sorted =
            sorted("{}\n{\"type\":\"session\",\"length\":1}\n{\"a\":1}\n{\"type\":\"event\"}\n{\"b\":2}\n");
        assert_eq!((sorted.refusals, sorted.event_count), (vec![], 1));
        // What hides behind a length that is too large could be an event, so that is said.
        let sorted = self::sorted("{}\n{\"type\":\"attachment\",\"length\":99}\nx\n{\"type\":\"event\"}\n{}");
        assert_eq!(sorted.refusals.len(), 1);
    }

    #[test]
    fn two_events_keep_their_own_ids() {
        let sorted = sorted(&format!(
            "{{\"event_id\":\"{A}\"}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{A}\"}}\n\
             {{\"type\":\"event\"}}\n{{\"event_id\":\"{B}\"}}\n{{\"type\":\"event\"}}\n{{}}"
        ));
        let ids: Vec<_> = kept(&sorted).into_iter().map(|(_, id, _)| id.unwrap().to_string()).collect();
        assert_eq!(ids, [A.to_owned(), B.to_owned(), EventId(7).to_string()]);
    }

    #[test]
    fn the_event_left_when_another_was_refused_keeps_its_own_id() {
        let big = format!("{{\"x\":\"{}\"}}", "y".repeat(limits::EVENT_BYTES));
        let good = format!("{{\"type\":\"event\"}}\n{{\"event_id\":\"{B}\"}}\n");
        let cut = "{\"type\":\"event\",\"length\":99}\n{}".to_owned();
        for items in [
            format!("{{\"type\":\"event\"}}\n{{oops\n{good}"),
            format!("{{\"type\":\"event\"}}\n{big}\n{good}"),
            format!("{good}{cut}"),
        ] {
            let sorted = sorted(&format!("{{\"event_id\":\"{A}\"}}\n{items}"));
            assert_eq!(sorted.refusals.len(), 1);
            assert_eq!(kept(&sorted)[0].1, EventId::parse(B).ok());
        }
    }

    #[test]
    fn of_several_events_the_first_may_rely_on_the_envelopes_id_unless_another_claims_it() {
        let ids = |payloads: [&str; 2]| {
            let items: String =
                payloads.map(|payload| format!("{{\"type\":\"event\"}}\n{payload}\n")).concat();
            let kept = kept(&sorted(&format!("{{\"event_id\":\"{A}\"}}\n{items}")));
            kept.into_iter().map(|(_, id, _)| id.unwrap().to_string()).collect::<Vec<_>>()
        };
        let made = EventId(7).to_string();
        let (is_a, is_b) = (format!("{{\"event_id\":\"{A}\"}}"), format!("{{\"event_id\":\"{B}\"}}"));
        assert_eq!(ids(["{}", "{}"]), [A, &made]);
        assert_eq!(ids(["{}", &is_b]), [A, B]);
        assert_eq!(ids(["{}", &is_a]), [&made, A]);
    }

    #[test]
    fn whatever_is_kept_costs_something() {
        let item = |kind: &str| format!("{{\"type\":\"{kind}\"}}\n{{}}\n");
        let cost = |kinds: &[&str]| {
            sorted(&format!("{{}}\n{}", kinds.iter().map(|kind| item(kind)).collect::<String>())).cost
        };
        assert_eq!(cost(&["client_report"]), Cost::Reports(1));
        assert_eq!(cost(&["event", "client_report"]), Cost::Events(1));
        assert_eq!(cost(&["event", "event", "feedback", "client_report", "client_report"]), Cost::Events(4));
        assert_eq!(cost(&["user_report"]), Cost::Events(1));
    }

    #[test]
    fn an_envelope_of_nothing_to_keep_is_kept_not_at_all() {
        for envelope in ["{}", "{}\n{\"type\":\"session\"}\n{}"] {
            let sorted = sorted(envelope);
            assert!(sorted.kept.is_none() && sorted.refusals.is_empty(), "{envelope}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_sorted_and_what_is_kept_can_be_opened(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let envelope = [b"{}\n", &bytes[..]].concat();
            let (header, items) = envelope::open(&envelope).unwrap();
            let sorted = sort(&header, items, || EventId(7));
            prop_assert_eq!(sorted.event_count > 0 || sorted.kept.is_some(), !kept(&sorted).is_empty());
        }
    }
}
