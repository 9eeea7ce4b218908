//! What happened before.

use error_sentinel::Crumb;

use crate::boundary::boundary;
use crate::level::level_of;
use crate::lifecycle::running;
use crate::status::Status;
use crate::text::Text;

/// Remembers one step; the last ones travel with every alert. `category` may be empty.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_add_breadcrumb(category: Text, message: Text, level: u32) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (category, message) = unsafe { (category.read_given()?, message.read()?) };
        let level = level_of(level)?;
        running()?;
        let crumb = Crumb::new(message).level(level);
        error_sentinel::add_breadcrumb(match category {
            Some(category) => crumb.category(category),
            None => crumb,
        });
        Ok(())
    })
}
