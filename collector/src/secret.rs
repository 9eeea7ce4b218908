//! Secrets that let somebody in: made of 256 random bits, shown once, kept as a hash.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Starts every API token, so that people and scanners of leaked secrets recognise one.
pub const TOKEN_PREFIX: &str = "est_";

/// A secret of 64 hexadecimal digits behind `prefix`, which tells people and leak scanners what it is.
///
/// # Errors
/// When the system has no randomness.
pub fn new(prefix: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(prefix.to_owned(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// What is stored of a secret. A plain hash is enough: 256 random bits cannot be guessed.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_alike_and_the_hash_tells_them_apart() {
        let (one, two) = (new(TOKEN_PREFIX).unwrap(), new(TOKEN_PREFIX).unwrap());
        assert_eq!(one.len(), 68);
        assert!(one.starts_with("est_"));
        assert_ne!(one, two);
        assert_ne!(hash(&one), hash(&two));
        assert_eq!(hash(&one), hash(&one));
    }
}
