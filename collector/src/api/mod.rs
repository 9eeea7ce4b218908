//! Programs: JSON over HTTP, for scripts and other tools.
