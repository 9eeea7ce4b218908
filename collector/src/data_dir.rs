//! The data folder: made on the first start, held by one process at a time.
