//! An event that is any text at all is taken or refused by the C ABI, and what was taken leaves as JSON.

#![expect(unsafe_code, reason = "C passes pointers")]

use std::ffi::c_void;
use std::sync::Once;

use error_sentinel_ffi::*;
use error_sentinel_wire::envelope;

pub fn run(bytes: &[u8]) {
    static STARTED: Once = Once::new();
    STARTED.call_once(start);
    let text = Text { data: bytes.as_ptr().cast(), length: bytes.len() };
    let mut name = EventName { digits: [0; 33] };
    // SAFETY: the bytes outlive the calls, and what is written to is ours.
    let statuses = unsafe {
        let sent = sentinel_send_event(text, &raw mut name);
        (
            sent,
            sentinel_add_breadcrumb_json(text),
            sentinel_set_user_json(text),
            sentinel_set_context(text, text),
        )
    };
    for status in [statuses.0, statuses.1, statuses.2, statuses.3] {
        let refused = [Status::InvalidUtf8, Status::InvalidJson, Status::InvalidArgument];
        assert!(status == Status::Ok || refused.contains(&status), "{status:?}");
    }
    if statuses.0 == Status::Ok {
        assert!(name.digits[31] != 0 && name.digits[32] == 0, "a name is 32 digits");
    }
    deliver();
}

fn start() {
    let dsn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9/1";
    let mut options = OptionsHandle { number: 0 };
    // SAFETY: the text outlives the call, and what is written to is ours.
    unsafe {
        let dsn = Text { data: dsn.as_ptr().cast(), length: dsn.len() };
        assert_eq!(sentinel_options_new(dsn, &raw mut options), Status::Ok);
    }
    assert_eq!(sentinel_options_deliver_by_host(options), Status::Ok);
    assert_eq!(sentinel_options_set_attach_stack(options, false), Status::Ok);
    assert_eq!(sentinel_init(options), Status::Ok);
}

/// Takes what there is to send without waiting for it: events leave when their time has come.
fn deliver() {
    let mut request = RequestHandle { number: 0 };
    // SAFETY: what is written to is ours.
    while unsafe { sentinel_next_request(0, &raw mut request) } == Status::Ok {
        let (mut data, mut length): (*const c_void, usize) = (std::ptr::null(), 0);
        // SAFETY: the body lives until the request is freed, and there are no headers.
        unsafe {
            assert_eq!(sentinel_request_body(request, &raw mut data, &raw mut length), Status::Ok);
            let body = std::slice::from_raw_parts(data.cast::<u8>(), length);
            let (_, items) = envelope::open(body).expect("what leaves is an envelope");
            assert!(items.into_iter().all(|item| item.is_ok()), "what leaves is whole");
            assert_eq!(sentinel_report_result(request, 200, std::ptr::null(), 0), Status::Ok);
        }
    }
}
