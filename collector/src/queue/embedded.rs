//! The queue inside the binary: its own SQLite file, one writer thread, group commit.
