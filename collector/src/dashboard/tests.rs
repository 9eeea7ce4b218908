//! The pages as a browser meets them, over a real store.

mod changes;
mod door;
mod hostile;
mod markup;
mod shown;
mod world;
