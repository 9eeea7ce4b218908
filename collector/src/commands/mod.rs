//! The commands of the binary, one a file.
