//! People and programs that may look: users, their sessions, API tokens, and what is set up through pages.

use super::Result;

/// Use cases of accounts. (Its owner is the dashboard; see `dashboard`.)
pub trait Accounts {
    /// Whether nobody has set a password yet.
    ///
    /// # Errors
    /// As every use case: [`super::StoreError`].
    fn needs_setup(&self) -> Result<bool>;
}
