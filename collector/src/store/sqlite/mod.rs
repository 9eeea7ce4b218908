//! The store inside the binary: SQLite, one writer thread, readers that it never blocks.
