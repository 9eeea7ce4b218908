//! Programs that panic in nasty places, each with the SDK or without it: `doomed PROGRAM with-sdk` or
//! `doomed PROGRAM`.
//!
//! What a program does is the same in both cases, but that only one of them starts the SDK. Its exit status and all
//! that it prints must be the same too.

use std::cell::RefCell;
use std::fmt;
use std::hint::black_box;
use std::panic::{catch_unwind, panic_any, resume_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

use error_sentinel::{Guard, Options, add_breadcrumb, send_alert, send_alert_with, with_scope};

static HAS_SDK: AtomicBool = AtomicBool::new(false);

/// Each program by its name.
const PROGRAMS: [(&str, fn()); 24] = [
    ("main", in_main),
    ("thread", in_a_thread),
    ("drop-while-unwinding", in_a_drop_while_unwinding),
    ("thread-local-drop", in_the_drop_of_a_thread_local),
    ("chained-hooks", between_chained_hooks),
    ("hook-that-panics", with_a_hook_that_panics),
    ("hook-that-exits", with_a_hook_that_exits),
    ("before-send", in_before_send),
    ("display", in_the_words_of_an_error),
    ("payload-drop", in_the_drop_of_a_payload),
    ("other-payloads", with_payloads_that_are_no_text),
    ("loop", again_and_again),
    ("main-returns", while_main_returns),
    ("exit", while_another_thread_exits),
    ("abort", before_an_abort),
    ("static", in_a_static),
    ("foreign-caller", out_of_a_foreign_function),
    ("deep-stack", near_the_end_of_the_stack),
    ("small-stack", in_a_thread_with_a_small_stack),
    ("endless-recursion", by_recursion_without_end),
    ("short-memory", when_memory_is_short),
    ("held-locks", with_locks_held),
    ("nested-threads", in_nested_threads),
    ("late-start", with_a_start_while_unwinding),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("a program");
    let is_with_sdk = arguments.next().is_some_and(|word| word == "with-sdk");
    HAS_SDK.store(is_with_sdk, Ordering::Relaxed);
    let program = PROGRAMS.iter().find(|(known, _)| *known == name);
    let (_, run) = program.unwrap_or_else(|| panic!("there is no program {name:?}"));
    run();
}

fn start() -> Option<Guard> {
    start_with(Options::new(""))
}

fn start_with(options: Options) -> Option<Guard> {
    HAS_SDK.load(Ordering::Relaxed).then(|| error_sentinel::init(options))
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{} is gone", self.0);
    }
}

/// An error that has no words for itself.
#[derive(Debug)]
struct Speechless;

impl fmt::Display for Speechless {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words for it");
    }
}

impl std::error::Error for Speechless {}

fn in_main() {
    let _guard = start();
    panic!("the reactor is on fire");
}

fn in_a_thread() {
    let _guard = start();
    let named = thread::Builder::new().name("pump".to_owned());
    let ended = named.spawn(|| panic!("the pump is dry")).expect("a thread").join();
    println!("{:?}", ended.map_err(|payload| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())));
}

fn in_a_drop_while_unwinding() {
    let _guard = start();
    let _bomb = Bomb("the second thing");
    panic!("the first thing is gone");
}

fn in_the_drop_of_a_thread_local() {
    thread_local! {
        static LAST: Bomb = const { Bomb("the thread's own") };
    }
    let _guard = start();
    let ended = thread::spawn(|| {
        error_sentinel::set_tag("thread", "doomed");
        with_scope(|_| {}, || add_breadcrumb("a step"));
        LAST.with(|_| {});
    });
    println!("{:?}", ended.join());
}

fn between_chained_hooks() {
    let say = |who: &'static str| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            eprintln!("{who} hook: {}", info.location().map_or(0, std::panic::Location::line));
            send_alert("from a hook");
            previous(info);
        }));
    };
    say("first");
    let _guard = start();
    say("last");
    println!("{:?}", catch_unwind(|| panic!("between the hooks")).is_err());
}

fn with_a_hook_that_panics() {
    set_hook(Box::new(|_| panic!("the hook has failed")));
    let _guard = start();
    panic!("the hook is called");
}

fn with_a_hook_that_exits() {
    set_hook(Box::new(|_| std::process::exit(9)));
    let _guard = start();
    panic!("nobody reads this");
}

fn in_before_send() {
    let guard = start_with(Options::new("").before_send(|_| panic!("before_send has failed")));
    send_alert("an alert");
    println!("{:?}", catch_unwind(|| panic!("a panic")).is_err());
    error_sentinel::flush(std::time::Duration::from_secs(60));
    drop(guard);
}

fn in_the_words_of_an_error() {
    struct Reporting;
    impl Drop for Reporting {
        fn drop(&mut self) {
            send_alert(&Speechless);
            send_alert_with("adjusted", |_| panic!("the adjustment has failed"));
        }
    }
    let _guard = start();
    send_alert(&Speechless);
    let caught = catch_unwind(|| {
        let _reporting = Reporting;
        panic!("while this unwinds, errors are reported");
    });
    println!("{:?}", caught.is_err());
}

fn in_the_drop_of_a_payload() {
    let _guard = start();
    let caught = catch_unwind(|| panic_any(Bomb("the payload")));
    println!("{}", caught.is_err());
    drop(caught);
}

fn with_payloads_that_are_no_text() {
    let _guard = start();
    println!(
        "{:?}",
        catch_unwind(|| panic_any(42)).map_err(|payload| payload.downcast_ref::<i32>().copied())
    );
    println!("{:?}", catch_unwind(|| resume_unwind(Box::new("resumed"))).is_err());
    println!("{:?}", catch_unwind(|| panic!("{}", "formatted")).is_err());
    resume_unwind(Box::new(7_u8));
}

fn again_and_again() {
    let _guard = start();
    let caught = (0..1000).filter(|number| catch_unwind(|| panic!("number {number}")).is_err()).count();
    println!("{caught}");
}

fn while_main_returns() {
    set_hook(Box::new(|_| {}));
    let _guard = start();
    panics_without_end();
}

/// Leaves a thread behind that panics until the process is gone.
fn panics_without_end() {
    let (panicked, wait) = mpsc::channel();
    thread::spawn(move || {
        loop {
            drop(catch_unwind(|| panic!("for ever")));
            // Nobody counts any more once main is on its way out.
            let _ = panicked.send(());
        }
    });
    (0..100).for_each(|_| wait.recv().expect("it panics without end"));
}

fn while_another_thread_exits() {
    set_hook(Box::new(|_| {}));
    let _guard = start();
    panics_without_end();
    thread::spawn(|| std::process::exit(3)).join().expect("it never ends");
}

fn before_an_abort() {
    let _guard = start();
    println!("{:?}", catch_unwind(|| panic!("the last but one")).is_err());
    std::process::abort();
}

fn in_a_static() {
    static SETTINGS: LazyLock<u16> = LazyLock::new(|| "eighty".parse().expect("the port is a number"));
    let _guard = start();
    println!("{:?}", catch_unwind(|| *SETTINGS).is_err());
    println!("{:?}", *SETTINGS);
}

fn out_of_a_foreign_function() {
    extern "C" fn called_by_c() {
        panic!("no way out");
    }
    let _guard = start();
    called_by_c();
}

fn near_the_end_of_the_stack() {
    const STACK_BYTES: usize = 512 << 10;
    const LEFT_BYTES: usize = 64 << 10;
    fn fall(from: usize) -> u64 {
        let here = black_box([0_u64; 16]);
        if from - here.as_ptr() as usize > STACK_BYTES - LEFT_BYTES {
            panic!("deep down");
        }
        fall(from) + here[0]
    }
    let _guard = start();
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let top = 0_u64;
        fall(&raw const top as usize)
    });
    println!("{:?}", thread.expect("a thread").join().is_err());
}

fn in_a_thread_with_a_small_stack() {
    // What a panic needs without the SDK is 27 KB, where nothing is optimised.
    const STACK_BYTES: usize = 48 << 10;
    let _guard = start();
    if HAS_SDK.load(Ordering::Relaxed) {
        let deep = (0..30).fold(error_sentinel::Value::from("the bottom"), |within, _| {
            error_sentinel::Value::from(vec![within])
        });
        error_sentinel::set_context("deep", deep);
        (0..100).for_each(|_| add_breadcrumb("a step"));
    }
    // Without a moment for the start, somebody else would write it down.
    error_sentinel::flush(std::time::Duration::from_secs(60));
    let panics = || println!("{:?}", catch_unwind(|| panic!("there is little room")).is_err());
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(panics);
    println!("{:?}", thread.expect("a thread").join().is_err());
}

fn by_recursion_without_end() {
    fn fall(number: u64) -> u64 {
        if black_box(number) == u64::MAX { 0 } else { fall(number + 1) + black_box(1) }
    }
    let _guard = start();
    println!("{}", fall(0));
}

fn when_memory_is_short() {
    let _guard = start();
    // What is mapped stays, and there is room for what threads need; for a feast there is none.
    let used = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = used.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    let bytes = pages * 4096 + (256 << 20);
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // Safety: a plain call with a place for its argument.
    #[allow(unsafe_code, reason = "there is no other way to set the limit")]
    let set = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
    assert_eq!(set, 0);
    let mut plenty: Vec<u8> = Vec::new();
    println!("{:?}", catch_unwind(move || plenty.try_reserve(1 << 30).expect("there is room")).is_err());
}

fn with_locks_held() {
    static LEDGER: Mutex<u64> = Mutex::new(0);
    let _guard = start();
    let caught = [
        catch_unwind(|| {
            let _held = LEDGER.lock().expect("not poisoned yet");
            panic!("the ledger is held");
        })
        .is_err(),
        catch_unwind(|| {
            with_scope(|_| panic!("the scope is not ready"), || panic!("the work is not either"))
        })
        .is_err(),
        catch_unwind(|| with_scope(|_| {}, || with_scope(|_| {}, || panic!("two scopes deep")))).is_err(),
    ];
    println!("{caught:?} {}", LEDGER.is_poisoned());
    let _held = LEDGER.lock().expect("the ledger is whole");
}

fn in_nested_threads() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    thread_local! {
        static HELD: RefCell<u64> = const { RefCell::new(0) };
    }
    let _guard = start();
    let outer = thread::spawn(|| {
        let inner = thread::spawn(|| {
            HELD.with_borrow_mut(|held| {
                *held += COUNT.fetch_add(1, Ordering::Relaxed);
                panic!("the inner one");
            });
        });
        inner.join().expect("the outer one fails of the inner one");
    });
    println!("{:?}", outer.join().is_err());
    thread::scope(|scope| {
        scope.spawn(|| panic!("in a scope"));
    });
}

fn with_a_start_while_unwinding() {
    struct Starting;
    impl Drop for Starting {
        fn drop(&mut self) {
            let guard = start();
            send_alert("while this unwinds, the SDK is started");
            drop(guard);
        }
    }
    println!(
        "{:?}",
        catch_unwind(|| {
            let _starting = Starting;
            panic!("before the start");
        })
        .is_err()
    );
    panic!("after the end");
}
