//! Passwords: what is asked of them, and how they are kept.
//!
//! argon2id with the parameters that OWASP names (19 MiB, two passes, one lane). It is slow on purpose, so only
//! a few run at once, and an unknown address costs the same as a wrong password.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use tokio::sync::Semaphore;

/// Shortest password in characters.
pub const MIN_CHARS: usize = 10;
/// Longest in bytes; argon2 would take more, an attacker would send more.
const MAX_BYTES: usize = 1024;
/// Hashes computed at once; each takes 19 MiB and a core for some tens of milliseconds.
static PLACES: Semaphore = Semaphore::const_new(2);
/// Compared with when there is no account, so that the time does not tell.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody's password").unwrap_or_default());

/// Why a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct HashError(String);

/// Whether a password may be chosen.
///
/// # Errors
/// What is wrong, in words.
pub fn check(password: &str) -> Result<(), String> {
    if password.chars().count() < MIN_CHARS {
        return Err(format!("choose a password of at least {MIN_CHARS} characters"));
    }
    if password.len() > MAX_BYTES {
        return Err("this password is too long".into());
    }
    Ok(())
}

/// Whether a text looks like a mail address; only a mail that arrives proves more.
pub fn is_address(email: &str) -> bool {
    email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

fn argon() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| HashError(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password, in PHC form. Blocks for some tens of milliseconds.
///
/// # Errors
/// [`HashError`] when the system has no randomness.
pub fn hash(password: &str) -> Result<String, HashError> {
    let hash = argon()?.hash_password(password.as_bytes()).map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one behind `hash`. Without a hash it does the same work and says no.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    let hash = hash.unwrap_or(&NOBODY);
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    argon().is_ok_and(|argon| argon.verify_password(password.as_bytes(), &parsed).is_ok()) && known
}

/// [`hash`] off the async threads.
///
/// # Errors
/// As [`hash`].
pub async fn hash_later(password: String) -> Result<String, HashError> {
    in_turn(&PLACES, move || hash(&password)).await?
}

/// [`verify`] off the async threads.
pub async fn verify_later(password: String, hash: Option<String>) -> bool {
    in_turn(&PLACES, move || verify(&password, hash.as_deref())).await.unwrap_or(false)
}

/// Does slow work off the async threads, once there is a place. The work itself holds the place: whoever asks
/// and hangs up ends the waiting and not the work, and would else let in any number of others.
async fn in_turn<T: Send + 'static>(
    places: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    let place = places.acquire().await.map_err(|error| HashError(error.to_string()))?;
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    done.await.map_err(|error| HashError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits_and_two_hashes_of_it_differ() {
        let one = hash("correct horse").unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(verify("correct horse", Some(&one)));
        assert!(!verify("correct house", Some(&one)));
        assert!(!verify("correct horse", Some("damaged")));
        assert_ne!(one, hash("correct horse").unwrap());
    }

    #[test]
    fn nobodys_password_lets_nobody_in() {
        assert!(!verify("nobody's password", None));
    }

    #[tokio::test]
    async fn who_hangs_up_leaves_no_place_to_others_before_the_work_is_done() {
        static ONE: Semaphore = Semaphore::const_new(1);
        let (start, started) = tokio::sync::oneshot::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let asked = tokio::spawn(in_turn(&ONE, move || {
            start.send(()).unwrap();
            ended.recv()
        }));
        started.await.unwrap();
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        assert_eq!(ONE.available_permits(), 0, "the work goes on");
        drop(end);
        assert!(ONE.acquire().await.is_ok());
    }

    #[test]
    fn short_passwords_and_odd_addresses_are_refused() {
        assert!(check("short").is_err() && check("long enough").is_ok() && check(&"x".repeat(2000)).is_err());
        for bad in ["", "ada", "@x", "a b@c", "a@", "a\n@c"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_address("ada@example.com"));
    }
}
