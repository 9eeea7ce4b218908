//! What happened before.

use error_sentinel::{Breadcrumb, Crumb};

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

/// Remembers one step that is a JSON object, as the Sentry protocol has it: with a time, a type and data of its own.
///
/// # Safety
/// `json` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_add_breadcrumb_json(json: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let step = unsafe { json.read_object() }?;
        running()?;
        let step = Breadcrumb::from_value(step).ok_or(Status::InvalidJson)?;
        error_sentinel::add_breadcrumb(step);
        Ok(())
    })
}
