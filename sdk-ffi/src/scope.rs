//! What every alert from now on says about its surroundings.

use error_sentinel::User;

use crate::boundary::boundary;
use crate::lifecycle::running;
use crate::status::Status;
use crate::text::Text;

/// Labels every alert from now on.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_set_tag(key: Text, value: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (key, value) = unsafe { (key.read()?, value.read()?) };
        running()?;
        error_sentinel::set_tag(key, value);
        Ok(())
    })
}

/// Says whose work every alert from now on is about. What is not known is an empty text; with nothing known it is
/// nobody's.
///
/// # Safety
/// All texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_set_user(id: Text, email: Text, name: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (id, email, name) = unsafe { (id.read_given()?, email.read_given()?, name.read_given()?) };
        running()?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let is_known = id.or(email).or(name).is_some();
        error_sentinel::set_user(is_known.then(|| User {
            id: owned(id),
            email: owned(email),
            username: owned(name),
            ..User::default()
        }));
        Ok(())
    })
}

/// Adds a named set of facts to every alert from now on, such as `device`; `json` is an object.
///
/// # Safety
/// Both texts can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_set_context(name: Text, json: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let (name, facts) = unsafe { (name.read()?, json.read_object()) };
        running()?;
        let facts = facts?;
        error_sentinel::set_context(name, facts);
        Ok(())
    })
}

/// Says the same as sentinel_set_user, and anything more, by a JSON object as the Sentry protocol has it.
///
/// # Safety
/// `json` can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sentinel_set_user_json(json: Text) -> Status {
    boundary(|| {
        // SAFETY: the caller vouches for it.
        let user = unsafe { json.read_object() }?;
        running()?;
        error_sentinel::set_user(User::from_value(user));
        Ok(())
    })
}
