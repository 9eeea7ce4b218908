//! The C ABI of Error Sentinel: the Rust SDK for everything that can call a C function.
//!
//! It exists so that C, C++, Kotlin, Swift and JavaScript engines share one engine with Rust and the browser. It must
//! never bring its host down: every body sits in one boundary, every mistake is a [`Status`], and handles are
//! numbers that are looked up, so that one which was freed or made up is a status too.
//!
//! `include/error_sentinel.h` is made of this by cbindgen, and a test compares the two.

// Nothing calls it but the compiler's own code.
#[cfg(all(target_os = "android", not(target_arch = "arm")))]
extern crate unwinding as _;

mod alert;
mod boundary;
mod breadcrumb;
mod crash;
mod event_id;
mod handle;
mod host;
#[cfg(feature = "jvm")]
mod jvm;
mod level;
mod lifecycle;
mod options;
mod scope;
mod status;
mod text;

pub use alert::*;
pub use breadcrumb::*;
pub use crash::*;
pub use event_id::*;
pub use host::*;
pub use level::*;
pub use lifecycle::*;
pub use options::*;
pub use scope::*;
pub use status::*;
pub use text::*;
