//! Counters of the process, for `/metrics`.
