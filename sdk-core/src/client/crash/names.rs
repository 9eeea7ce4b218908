//! Whose functions the addresses of a crash are: by debug information where the library reads that, else as the linker
//! knows them, which costs a small library next to nothing.

#[cfg(feature = "backtrace")]
pub use crate::client::backtrace::{Symbols as Names, is_application};

#[cfg(not(feature = "backtrace"))]
use error_sentinel_wire::Frame;

/// The names that the linker knows.
#[cfg(not(feature = "backtrace"))]
pub struct Names;

#[cfg(not(feature = "backtrace"))]
impl Names {
    /// The function that a call at the address before this one is in.
    pub fn frames(&mut self, address: usize) -> Vec<Frame> {
        let call = address.saturating_sub(1);
        let function = error_sentinel_crash::name_at(call as u64);
        function.map(|name| Frame { function: Some(name), ..Frame::default() }).into_iter().collect()
    }
}

/// Names by which functions are linked do not tell.
#[cfg(not(feature = "backtrace"))]
pub fn is_application(_: &str) -> bool {
    false
}
