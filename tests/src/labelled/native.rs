//! Crash reports of one program in C++, of which the line that is at fault is known.
//!
//! They differ as those of a fuzzer do: a bug is reached through several callers, through recursion of any depth,
//! in builds whose lines and addresses moved; what the system's library adds while it dies is not always the same.

use serde_json::{Value, json};

use super::Labelled;
use crate::payload::Numbers;

/// A bug: the signal, the line at fault, how often it is met in a hundred crashes, and the ways to it, each from
/// the entrance to the function at fault.
struct Bug {
    signal: &'static str,
    line: &'static str,
    share: u64,
    ways: &'static [&'static [&'static str]],
}

const ENTRANCE: &[&str] = &["main", "run(int, char**)", "app::Document::load(std::istream&)"];

const BUGS: &[Bug] = &[
    Bug {
        signal: "SIGSEGV",
        line: "directory.cpp:975",
        share: 50,
        ways: &[&["app::Archive::Archive(app::Reader&)", "app::Archive::read_directory()"]],
    },
    Bug {
        signal: "SIGSEGV",
        line: "chain.cpp:723",
        share: 18,
        ways: &[
            &[
                "app::Archive::Archive(app::Reader&)",
                "app::Archive::read_table()",
                "app::Archive::follow_chain(unsigned)",
            ],
            &["app::Stream::underflow()", "app::Archive::follow_chain(unsigned)"],
        ],
    },
    Bug {
        signal: "SIGABRT",
        line: "vector.hpp:247",
        share: 8,
        ways: &[&[
            "app::Archive::read_sector<int>(unsigned, std::vector<int>&)",
            "app::Buffer<int>::append(int const*, unsigned long)",
        ]],
    },
    Bug {
        signal: "SIGSEGV",
        line: "vector.hpp:278",
        share: 5,
        ways: &[&[
            "app::Archive::read_sector<unsigned char>(unsigned, std::vector<unsigned char>&)",
            "app::Buffer<unsigned char>::grow(unsigned long)",
        ]],
    },
    Bug {
        signal: "SIGABRT",
        line: "text.cpp:216",
        share: 4,
        ways: &[&["app::Sheet::name() const", "(anonymous namespace)::to_utf8(std::u16string const&)"]],
    },
    Bug {
        signal: "SIGSEGV",
        line: "expression.cpp:88",
        share: 4,
        ways: &[&["app::Formula::evaluate()", "*", "app::Cell::value() const"]],
    },
    Bug {
        signal: "SIGABRT",
        line: "expression.cpp:141",
        share: 3,
        ways: &[&["app::Formula::evaluate()", "*", "app::Formula::divide(double, double)"]],
    },
    Bug {
        signal: "SIGFPE",
        line: "layout.cpp:59",
        share: 2,
        ways: &[&["app::Page::lay_out()", "app::Page::columns(unsigned) const"]],
    },
    Bug {
        signal: "SIGSEGV",
        line: "layout.cpp:412",
        share: 2,
        ways: &[&["app::Page::lay_out()", "app::Frame::operator()(app::Box const&)"]],
    },
    Bug {
        signal: "SIGABRT",
        line: "serializer.cpp:116",
        share: 2,
        ways: &[&["app::Drawing::Drawing(app::Part&)", "app::xml::Serializer::start(std::string const&)"]],
    },
    Bug {
        signal: "SIGBUS",
        line: "mapped.cpp:33",
        share: 1,
        ways: &[&["app::Archive::Archive(app::Reader&)", "app::Mapped::at(unsigned long) const"]],
    },
    Bug {
        signal: "SIGSEGV",
        line: "path.cpp:185",
        share: 1,
        ways: &[&["app::Part::relations()", "app::Path::parent() const"]],
    },
];

/// What recursion goes through between two calls of the same function.
const LOOPS: &[&[&str]] = &[
    &["app::Formula::evaluate(app::Node const*)"],
    &["app::Formula::evaluate(app::Node const*)", "app::Formula::call(app::Node const*)"],
    &[
        "app::Formula::evaluate(app::Node const*)",
        "app::Formula::sum(app::Range)",
        "app::Range::each(app::Visitor)",
    ],
];

/// How the system starts a thread and carries an abort out.
const STARTS: &[&[&str]] = &[&["_start", "__libc_start_main"], &["clone3", "start_thread"], &[]];
const ABORTS: &[&[&str]] = &[
    &["__cxa_throw", "std::terminate()", "??", "abort", "raise"],
    &["__cxa_throw", "std::terminate()", "__GI_abort", "__GI_raise", "__pthread_kill_implementation"],
    &["abort"],
];

/// `count` crash reports, of the bugs in the shares that they have.
pub fn crashes(count: usize) -> Vec<Labelled> {
    let mut numbers = Numbers::new(0x6372_6173);
    let crash = |_| {
        let mut at = numbers.below(BUGS.iter().map(|bug| bug.share).sum());
        let bug = BUGS.iter().find(|bug| {
            let is_it = at < bug.share;
            at = at.saturating_sub(bug.share);
            is_it
        });
        report(bug.unwrap_or(&BUGS[0]), &mut numbers)
    };
    (0..count).map(crash).collect()
}

fn report(bug: &Bug, n: &mut Numbers) -> Labelled {
    // Later builds have their lines elsewhere.
    let moved = n.below(3) * 17;
    let mut frames: Vec<Value> = pick(STARTS, n).iter().map(|name| system(name, n)).collect();
    let file = bug.line.split(':').next().unwrap_or_default();
    let way = pick(bug.ways, n);
    for name in ENTRANCE.iter().chain(way) {
        if *name == "*" {
            for _ in 0..=n.below(9) {
                frames.extend(pick(LOOPS, n).iter().map(|name| own(name, "expression.cpp", moved, n)));
            }
            frames.push(own(LOOPS[0][0], "expression.cpp", moved, n));
        } else {
            frames.push(own(name, if ENTRANCE.contains(name) { "main.cpp" } else { file }, moved, n));
        }
    }
    if bug.signal == "SIGABRT" {
        frames.extend(pick(ABORTS, n).iter().map(|name| system(name, n)));
    }
    let stacktrace = json!({ "frames": frames });
    let value = format!("{} at 0x{:x}", bug.signal, n.next_number());
    let mechanism = json!({ "type": "signalhandler", "handled": false });
    let exception =
        json!({ "type": bug.signal, "value": value, "mechanism": mechanism, "stacktrace": stacktrace });
    Labelled {
        bug: bug.line.to_owned(),
        event: json!({ "platform": "native", "exception": { "values": [exception] } }),
    }
}

fn pick<T>(choices: &[T], n: &mut Numbers) -> T
where
    T: Copy,
{
    choices[usize::try_from(n.below(choices.len() as u64)).unwrap_or_default()]
}

/// A function of the program. A symboliser that knows no arguments leaves them out.
fn own(name: &str, file: &str, moved: u64, n: &mut Numbers) -> Value {
    let bare = name.split('(').next().filter(|bare| !bare.is_empty() && !bare.ends_with("operator"));
    let name = if moved == 17 { bare.unwrap_or(name) } else { name };
    json!({
        "function": name,
        "filename": format!("src/{file}"),
        "abs_path": format!("/build/{}/src/{file}", n.below(3)),
        "lineno": 10 + moved + n.below(3),
        "instruction_addr": format!("0x{:x}", n.next_number() >> 16),
    })
}

fn system(name: &str, n: &mut Numbers) -> Value {
    json!({
        "function": name,
        "package": "/lib/x86_64-linux-gnu/libc.so.6",
        "instruction_addr": format!("0x{:x}", n.next_number() >> 16),
    })
}
