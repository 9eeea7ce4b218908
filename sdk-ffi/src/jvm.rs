//! The same library for the Java virtual machine: what the Kotlin library of Android calls.
//!
//! It exists so that Kotlin has the engine that everybody else has; each function is one of the C ABI, with Java's
//! arrays in place of pointers. It must never leave an exception behind, nor let a panic out: how a call ended is its
//! [`Status`]. Text comes as UTF-8 in a byte array, since Java's own encoding over JNI is another one; NULL is an empty
//! text.

mod arrays;
mod calls;
mod delivery;
