//! Where everything is in a record: the one description that both the writer and the reader follow.
//!
//! Sections lie at fixed places, so that the writer computes nothing and a file that was cut off still tells what came
//! before: first what the processor was doing, then what the program had said about itself, last the stack.

use crate::steps::{STEP_WORDS, STEPS};

const WORD: usize = size_of::<u64>();

/// Words of the first section: what happened, to which thread, and its registers.
pub const HEADER_WORDS: usize = 64;
/// What the first word is.
pub const MAGIC: u64 = u64::from_le_bytes(*b"ESCRASH1");

/// Words of the header by place.
pub const AT_MAGIC: usize = 0;
/// The processor.
pub const AT_PROCESSOR: usize = 1;
/// The signal below, its code above.
pub const AT_SIGNAL: usize = 2;
/// The address that could not be accessed.
pub const AT_FAULT: usize = 3;
/// The process below, the thread above.
pub const AT_THREAD: usize = 4;
/// Seconds since 1970.
pub const AT_SECONDS: usize = 5;
/// Nanoseconds in that second.
pub const AT_NANOSECONDS: usize = 6;
/// Two words of the thread's name, zeros behind it.
pub const AT_NAME: usize = 7;
/// Address of the first byte of the stack section.
pub const AT_STACK: usize = 9;
/// Bytes of it.
pub const AT_STACK_LENGTH: usize = 10;
/// Places of the ring of steps.
pub const AT_STEP_CAPACITY: usize = 11;
/// Steps that were left in all.
pub const AT_STEP_COUNT: usize = 12;
/// Registers, in the order of the processor's names.
pub const AT_REGISTERS: usize = 16;

/// Words of what is published: a length, then the bytes.
pub const FACTS_WORDS: usize = 16 * 1024 / WORD;
/// The same for the modules.
pub const MODULES_WORDS: usize = 32 * 1024 / WORD;
/// Most bytes of the facts.
pub const FACTS_BYTES: usize = (FACTS_WORDS - 1) * WORD;
/// Most bytes of the stack, from its newest end.
pub const STACK_BYTES: usize = 64 * 1024;

/// Where the sections begin, in bytes.
pub const FACTS_AT: usize = HEADER_WORDS * WORD;
/// After the facts.
pub const MODULES_AT: usize = FACTS_AT + FACTS_WORDS * WORD;
/// After the modules.
pub const STEPS_AT: usize = MODULES_AT + MODULES_WORDS * WORD;
/// After the steps.
pub const STACK_AT: usize = STEPS_AT + STEPS * STEP_WORDS * WORD;

/// Where each section begins, in their order.
pub const SECTIONS_AT: [usize; 5] = [0, FACTS_AT, MODULES_AT, STEPS_AT, STACK_AT];

/// Bytes of a whole record.
pub const RECORD_BYTES: usize = STACK_AT + STACK_BYTES;

/// Names of the registers of a processor, in the order in which they are kept; `None` for one that is not known.
pub fn registers_of(processor: u64) -> Option<&'static [&'static str]> {
    match processor {
        X86_64 => Some(&X86_64_REGISTERS),
        AARCH64 => Some(&AARCH64_REGISTERS),
        _ => None,
    }
}

/// The processor that is called `x86_64`.
pub const X86_64: u64 = 1;
/// The processor that is called `aarch64`.
pub const AARCH64: u64 = 2;

/// In the order of `gregs` in the system's `ucontext_t`.
pub const X86_64_REGISTERS: [&str; 18] = [
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx",
    "rsp", "rip", "eflags",
];
/// In the order of the system's `ucontext_t`.
pub const AARCH64_REGISTERS: [&str; 34] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr",
    "sp", "pc", "pstate",
];
