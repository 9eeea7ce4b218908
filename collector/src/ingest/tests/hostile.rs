//! Senders that mean no good, and a collector that cannot do what it should.

use proptest::prelude::{ProptestConfig, any, prop, proptest};

use super::*;

const DOORS: [&str; 3] = ["/api/1/envelope/", "/api/1/store/", "/log-error"];

fn to(door: &str) -> axum::http::request::Builder {
    post(door).header("x-sentinel-key", KEY)
}

#[tokio::test]
async fn a_bomb_of_every_encoding_is_refused_at_every_door() {
    let zeroes = vec![b'0'; limits::ENVELOPE_BYTES + 1];
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&zeroes).unwrap();
    let bombs = [
        ("gzip", gzip(&zeroes)),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::encode_all(&zeroes[..], 1).unwrap()),
        ("br", crate::ingest::decode::BROTLI_BOMB.to_vec()),
    ];
    let bench = Bench::new();
    for door in DOORS {
        for (encoding, bomb) in &bombs {
            let answer = bench.send(to(door).header("content-encoding", *encoding), bomb.clone()).await;
            assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{door} {encoding}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
    }
    assert!(bench.held().is_empty());
}

#[tokio::test]
async fn json_without_end_in_depth_or_in_keys_is_answered() {
    let deep = format!("{{\"message\":\"x\",\"deep\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let keys: String = (0..50_000).map(|n| format!(",\"k{n}\":0")).collect();
    let wide = format!("{{\"message\":\"x\"{keys}}}");
    for body in [deep, wide] {
        for door in ["/api/1/store/", "/log-error"] {
            let bench = Bench::new();
            assert!(bench.send(to(door), body.clone()).await.status.is_success(), "{door}");
            assert_eq!(bench.held().len(), 1);
        }
    }
}

#[tokio::test]
async fn items_and_header_lines_without_end_are_refused_and_the_first_items_held() {
    let bench = Bench::new();
    let items = "{\"type\":\"event\"}\n{}\n".repeat(limits::ENVELOPE_ITEMS + 1);
    let answer = bench.envelope(format!("{{}}\n{items}")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bench.held().len(), limits::ENVELOPE_ITEMS);

    let bench = Bench::new();
    let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(limits::HEADER_LINE_BYTES));
    assert_eq!(bench.envelope(long).await.status, StatusCode::BAD_REQUEST);
    assert!(bench.held().is_empty());
}

#[tokio::test]
async fn what_is_no_event_is_limited_too() {
    for kind in ["client_report", "user_report", "feedback"] {
        let bench = Bench::with(Settings {
            rate_limit: RateLimit::PerMinute { per_minute: 1, burst: 3 },
            ..Settings::default()
        });
        let mut statuses = Vec::new();
        for _ in 0..5 {
            let answer = bench.envelope(format!("{{}}\n{{\"type\":\"{kind}\"}}\n{{}}")).await;
            statuses.push(answer.status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 200, 429, 429], "{kind}");
        assert_eq!(bench.held().len(), 3);
    }
}

#[tokio::test]
async fn a_refused_quota_holds_nothing_of_the_envelope() {
    let bench = Bench::with(Settings {
        rate_limit: RateLimit::PerMinute { per_minute: 1, burst: 3 },
        ..Settings::default()
    });
    let two = format!("{{}}\n{}", "{\"type\":\"event\"}\n{}\n".repeat(2));
    assert_eq!(bench.envelope(two.clone()).await.status, StatusCode::OK);
    assert_eq!(bench.envelope(two).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(bench.held().len(), 2);
    assert_eq!(bench.envelope(one_event("{}")).await.status, StatusCode::OK, "what still fits is taken");
}

struct Panics;

impl Queue for Panics {
    fn push(&self, _: Accepted) -> BoxFuture<'_, Result<(), PushError>> {
        panic!("the queue is broken")
    }
    fn wait(&self, _: Option<JobId>, _: Duration) -> bool {
        false
    }
    fn take(&self, _: Option<JobId>, _: usize, _: usize) -> Result<Vec<Job>, QueueError> {
        Ok(Vec::new())
    }
    fn remove(&self, _: JobId) -> Result<(), QueueError> {
        Ok(())
    }
    fn depth(&self) -> Depth {
        Depth::default()
    }
    fn close(&self) {}
}

#[tokio::test]
async fn a_panic_is_answered_like_any_refusal() {
    let deps = Deps {
        queue: Arc::new(Panics),
        keys: Arc::new(OneKey),
        settings: Arc::default(),
        metrics: Arc::default(),
    };
    let request = to("/log-error").body(Body::from(r#"{"message":"x"}"#)).unwrap();
    let answer = Answer::of(router(deps).oneshot(request).await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.detail(), "the collector failed on this request");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

fn answered(body: &[u8], encoding: &str, with_key: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let bench = Bench::new();
    for door in DOORS {
        let request = if with_key { to(door) } else { post(door) };
        let request = request.header("content-encoding", encoding);
        let answer = runtime.block_on(bench.send(request, body.to_vec()));
        assert!(!answer.status.is_server_error(), "{door}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    // What was held can be opened again, whatever it was.
    bench.queue.held.lock().unwrap().iter().for_each(|accepted| {
        let (_, items) = envelope::open(&accepted.envelope).unwrap();
        let items: Vec<_> = items.map(|item| item.unwrap()).collect();
        assert!(!items.is_empty());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_bytes_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..300),
        encoding in "(|gzip|deflate|br|zstd|[ -~]{0,8})",
        with_key in any::<bool>(),
    ) {
        answered(&body, &encoding, with_key);
    }

    #[test]
    fn anything_like_an_envelope_is_answered(
        lines in prop::collection::vec(
            "(|\\{\\}|\\{\"event_id\":\"[0-9a-g]{0,36}\"\\}|\\{\"type\":\"(event|client_report|x)\"(,\"length\":-?[0-9]{1,3})?\\}|\\PC{0,20})",
            0..12,
        ),
    ) {
        answered(lines.join("\n").as_bytes(), "", true);
    }
}
