//! People and programs that may look: accounts, their sessions, API tokens and one-time links.
//!
//! Whatever lets somebody in is kept as a hash only ([`SecretHash`]); the secret itself is shown once and
//! never stored.

use error_sentinel_wire::UnixMs;

use super::Result;

/// SHA-256 of a secret of 256 random bits, which cannot be guessed back.
pub type SecretHash = [u8; 32];

/// Names an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountId(pub i64);

/// Names an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(pub i64);

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name here.
    pub id: AccountId,
    /// Signs in with it; letter case aside.
    pub email: String,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// When it was made.
    pub created_at: UnixMs,
}

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name here.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMs,
}

/// A link that somebody may use once to choose a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose password; `None` makes the first account, whatever its address.
    pub email: Option<String>,
}

/// Use cases of accounts. Errors are those of every use case: [`super::StoreError`].
pub trait Accounts {
    /// Whether nobody has an account yet.
    ///
    /// # Errors
    /// As every use case.
    fn needs_setup(&self) -> Result<bool>;
    /// All accounts by address.
    ///
    /// # Errors
    /// As every use case.
    fn accounts(&self) -> Result<Vec<Account>>;
    /// The account of an address, letter case aside.
    ///
    /// # Errors
    /// As every use case.
    fn find_account(&self, email: &str) -> Result<Option<Account>>;
    /// Sets the password of an address, making its account where there is none, and ends its sessions.
    ///
    /// # Errors
    /// As every use case.
    fn set_password(&self, email: &str, password_hash: &str, now: UnixMs) -> Result<Account>;
    /// Removes an account with its sessions and links; says whether there was one.
    ///
    /// # Errors
    /// As every use case; and [`super::StoreError::Conflict`] for the only account: nobody could sign in.
    fn remove_account(&self, email: &str) -> Result<bool>;
    /// Adds a one-time link that is good until `expires_at`, for ever without. Links for the first account
    /// replace each other, as do those of one address.
    ///
    /// # Errors
    /// As every use case.
    fn add_link(&self, hash: &SecretHash, link: &Link, expires_at: Option<UnixMs>) -> Result<()>;
    /// The link behind a hash, while it is good: unused, not expired, and for the first account only while
    /// there is none.
    ///
    /// # Errors
    /// As every use case.
    fn find_link(&self, hash: &SecretHash, now: UnixMs) -> Result<Option<Link>>;
    /// Uses a link: sets the password of its address, or of `email` for the first account. `None` when the link
    /// is not good any more; of two that use it at once, one gets `None`.
    ///
    /// # Errors
    /// As every use case.
    fn use_link(
        &self,
        hash: &SecretHash,
        email: &str,
        password_hash: &str,
        now: UnixMs,
    ) -> Result<Option<Account>>;
    /// Opens a session.
    ///
    /// # Errors
    /// As every use case.
    fn add_session(&self, hash: &SecretHash, account: AccountId, expires_at: UnixMs) -> Result<()>;
    /// Whose session it is, unless it has expired.
    ///
    /// # Errors
    /// As every use case.
    fn find_session(&self, hash: &SecretHash, now: UnixMs) -> Result<Option<Account>>;
    /// Ends a session; and forgets those that have expired.
    ///
    /// # Errors
    /// As every use case.
    fn end_session(&self, hash: &SecretHash, now: UnixMs) -> Result<()>;
    /// Adds an API token.
    ///
    /// # Errors
    /// As every use case.
    fn add_token(&self, name: &str, hash: &SecretHash, now: UnixMs) -> Result<()>;
    /// All API tokens, newest first.
    ///
    /// # Errors
    /// As every use case.
    fn tokens(&self) -> Result<Vec<Token>>;
    /// Whether an API token has this hash.
    ///
    /// # Errors
    /// As every use case.
    fn admits_token(&self, hash: &SecretHash) -> Result<bool>;
    /// Revokes an API token; says whether there was one.
    ///
    /// # Errors
    /// As every use case.
    fn revoke_token(&self, id: TokenId) -> Result<bool>;
}
