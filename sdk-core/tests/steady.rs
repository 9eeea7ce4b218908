//! What the SDK costs its host once it runs: counted in allocations, which no other load on the machine changes.

use allocation_counter::measure;
use error_sentinel::{Crumb, Level, Options, TestTransport};

const DSN: &str = "http://0123456789abcdef0123456789abcdef@127.0.0.1:8911/1";

/// One test, since the SDK is one for the whole process.
#[test]
fn steps_that_fit_allocate_nothing_and_disabled_calls_neither() {
    let leave = |number: u64| {
        error_sentinel::add_breadcrumb("cart opened");
        let data = [("items", number.into()), ("shop", "berlin".into())];
        error_sentinel::add_breadcrumb(
            Crumb::new("3 rows").category("db.query").level(Level::Info).data(&data),
        );
    };
    let disabled = measure(|| {
        leave(1);
        error_sentinel::send_alert("nobody hears it");
        error_sentinel::set_tag("shop", "berlin");
    });
    assert_eq!(disabled.count_total, 0);

    let guard = error_sentinel::init(Options::new(DSN).transport(TestTransport::new()));
    (0..100).for_each(leave);
    assert_eq!(measure(|| (0..1000).for_each(leave)).count_total, 0);
    error_sentinel::with_scope(
        |_| {},
        || {
            (0..100).for_each(leave);
            assert_eq!(measure(|| (0..1000).for_each(leave)).count_total, 0);
        },
    );
    drop(guard);
}
