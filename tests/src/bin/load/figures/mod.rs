//! How figures are taken from the disk and shown.

pub mod disk;
pub mod table;
