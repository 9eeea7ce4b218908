//! Accept: authenticate, decode within caps, check the quota, enqueue durably, answer.
