//! Understand: normalise, scrub, fingerprint, group; then let the store record it.
