//! People: one page a file, templates and static files beside them.
