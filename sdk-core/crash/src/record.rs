//! A record, read back. Every byte of it is hostile.

use std::fmt;

use crate::layout::{
    AT_FAULT, AT_MAGIC, AT_NAME, AT_NANOSECONDS, AT_PROCESSOR, AT_REGISTERS, AT_SECONDS, AT_SIGNAL, AT_STACK,
    AT_STACK_LENGTH, AT_STEP_CAPACITY, AT_STEP_COUNT, AT_THREAD, FACTS_AT, HEADER_WORDS, MAGIC, MODULES_AT,
    RECORD_BYTES, STACK_AT, STACK_BYTES, STEPS_AT, registers_of,
};
use crate::steps::{self, STEP_WORDS, STEPS, StepRead};

const WORD: usize = size_of::<u64>();
/// Most bytes of a module's identity; that of a linker has 20.
const IDENTITY_BYTES: usize = 64;
/// Most bytes of a module's path.
const PATH_BYTES: usize = 4096;

/// It is no record, or not even the first part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARecord;

impl fmt::Display for NotARecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the record of a crash")
    }
}

impl std::error::Error for NotARecord {}

/// A register and what it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// As the processor's maker calls it.
    pub name: &'static str,
    /// What it held.
    pub value: u64,
}

/// A program or a library that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// What is added to the addresses in its file.
    pub base: u64,
    /// Bytes from there to its end.
    pub size: u64,
    /// What its linker called it, or what its code says where there is no such name; perhaps empty.
    pub identity: Vec<u8>,
    /// Its file.
    pub path: String,
}

impl Module {
    /// Whether an address is in it.
    pub fn contains(&self, address: u64) -> bool {
        address.checked_sub(self.base).is_some_and(|offset| offset < self.size)
    }
}

/// What a process left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct Record {
    /// Number of the signal.
    pub signal: i32,
    /// What the system said about it (`si_code`).
    pub code: i32,
    /// The address that could not be accessed; 0 where the signal is of another kind.
    pub fault_address: u64,
    /// The process.
    pub process: u32,
    /// The thread.
    pub thread: u32,
    /// Name of the thread.
    pub thread_name: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// All registers, in the processor's order.
    pub registers: Vec<Register>,
    /// What was loaded when that was last looked at.
    pub modules: Vec<Module>,
    /// What [`set_facts`](crate::set_facts) published; empty where it did not get to the file.
    pub facts: Vec<u8>,
    /// The last steps, the oldest first.
    pub steps: Vec<StepRead>,
    /// Steps that were left in all.
    pub step_count: u64,
    /// Address of the first byte of `stack`.
    pub stack_start: u64,
    /// The newest part of the thread's stack.
    pub stack: Vec<u8>,
}

impl Record {
    /// Reads a file. Where it was cut off, what was to come is missing.
    ///
    /// # Errors
    /// [`NotARecord`] when its first section is not there or makes no sense.
    pub fn decode(bytes: &[u8]) -> Result<Record, NotARecord> {
        let (header, _) = bytes.split_at_checked(HEADER_WORDS * WORD).ok_or(NotARecord)?;
        let word = |at: usize| {
            let word = header.get(at * WORD..).and_then(<[u8]>::first_chunk);
            word.map_or(0, |word| u64::from_ne_bytes(*word))
        };
        if word(AT_MAGIC) != MAGIC || bytes.len() > RECORD_BYTES {
            return Err(NotARecord);
        }
        let names = registers_of(word(AT_PROCESSOR)).ok_or(NotARecord)?;
        let registers = names.iter().zip(AT_REGISTERS..);
        let registers = registers.map(|(name, at)| Register { name, value: word(at) }).collect();
        let name: Vec<u8> = [word(AT_NAME), word(AT_NAME + 1)].map(u64::to_ne_bytes).concat();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let seconds = word(AT_SECONDS).cast_signed();
        let step_capacity = usize::try_from(word(AT_STEP_CAPACITY)).unwrap_or(0).min(STEPS);
        let stack_length = usize::try_from(word(AT_STACK_LENGTH)).unwrap_or(0).min(STACK_BYTES);
        let modules = published(bytes, MODULES_AT, STEPS_AT);
        Ok(Record {
            signal: word(AT_SIGNAL) as i32,
            code: (word(AT_SIGNAL) >> 32) as i32,
            fault_address: word(AT_FAULT),
            process: word(AT_THREAD) as u32,
            thread: (word(AT_THREAD) >> 32) as u32,
            thread_name: String::from_utf8_lossy(name).into_owned(),
            at_ms: seconds.saturating_mul(1000).saturating_add((word(AT_NANOSECONDS) / 1_000_000) as i64),
            registers,
            modules: decode_modules(modules),
            facts: published(bytes, FACTS_AT, MODULES_AT).to_vec(),
            steps: steps::read(section(bytes, STEPS_AT, step_capacity * STEP_WORDS * WORD)),
            step_count: word(AT_STEP_COUNT),
            stack_start: word(AT_STACK),
            stack: section(bytes, STACK_AT, stack_length).to_vec(),
        })
    }

    /// What a register held.
    pub fn register(&self, name: &str) -> Option<u64> {
        self.registers.iter().find(|register| register.name == name).map(|register| register.value)
    }

    /// Where the processor was.
    pub fn instruction(&self) -> u64 {
        self.register("rip").or_else(|| self.register("pc")).unwrap_or(0)
    }

    /// The module that an address is in.
    pub fn module_at(&self, address: u64) -> Option<&Module> {
        self.modules.iter().find(|module| module.contains(address))
    }
}

/// As much of a section as the file has.
fn section(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.get(..length).unwrap_or(rest)
}

/// What was published in a section; nothing where it is not there whole.
fn published(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    let section = section(bytes, at, end - at);
    let Some((length, rest)) = section.split_first_chunk() else { return &[] };
    let length = usize::try_from(u64::from_ne_bytes(*length)).unwrap_or(usize::MAX);
    rest.get(..length).unwrap_or_default()
}

/// The bytes of the list of modules. What does not fit is left out: of those after the first, which is the program, the
/// ones that were loaded longest ago. They are the system's, the same in every process.
pub fn encode_modules(modules: &[Module], max: usize) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = modules.iter().map(encode_module).collect();
    let mut length: usize = parts.iter().map(Vec::len).sum();
    while length > max && parts.len() > 1 {
        length -= parts.remove(1).len();
    }
    parts.concat()
}

fn encode_module(module: &Module) -> Vec<u8> {
    let identity = module.identity.get(..IDENTITY_BYTES).unwrap_or(&module.identity);
    let path = module.path.as_bytes();
    let path = path.get(..PATH_BYTES).unwrap_or(path);
    [
        &module.base.to_ne_bytes()[..],
        &module.size.to_ne_bytes(),
        &[identity.len() as u8],
        identity,
        &(path.len() as u16).to_ne_bytes(),
        path,
    ]
    .concat()
}

fn decode_modules(mut bytes: &[u8]) -> Vec<Module> {
    std::iter::from_fn(|| {
        let (base, rest) = bytes.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (identity_length, rest) = rest.split_first()?;
        let (identity, rest) = rest.split_at_checked(usize::from(*identity_length))?;
        let (path_length, rest) = rest.split_first_chunk()?;
        let (path, rest) = rest.split_at_checked(usize::from(u16::from_ne_bytes(*path_length)))?;
        bytes = rest;
        Some(Module {
            base: u64::from_ne_bytes(*base),
            size: u64::from_ne_bytes(*size),
            identity: identity.to_vec(),
            path: String::from_utf8_lossy(path).into_owned(),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn modules_are_read_back_the_program_and_the_newest_where_there_is_not_room_for_all() {
        let module =
            |base| Module { base, size: 8, identity: vec![base as u8; 20], path: format!("/lib/{base}.so") };
        let modules = [module(1), module(2), module(3)];
        let bytes = encode_modules(&modules, 1000);
        assert_eq!(decode_modules(&bytes), modules);
        let fewer = encode_modules(&modules, bytes.len() - 1);
        assert_eq!(decode_modules(&fewer), [module(1), module(3)]);
        assert_eq!(decode_modules(&bytes[..bytes.len() - 1]), modules[..2]);
    }

    #[test]
    fn a_file_that_was_cut_off_tells_what_came_before() {
        let mut header = [0u64; HEADER_WORDS];
        header[AT_MAGIC] = MAGIC;
        header[AT_PROCESSOR] = crate::layout::X86_64;
        header[AT_SIGNAL] = 11 | 1 << 32;
        header[AT_STACK_LENGTH] = u64::MAX;
        header[AT_STEP_CAPACITY] = u64::MAX;
        header[AT_REGISTERS + 16] = 0x401136;
        let bytes: Vec<u8> = header.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let record = Record::decode(&bytes).unwrap();
        assert_eq!((record.signal, record.code, record.instruction()), (11, 1, 0x401136));
        assert!(record.stack.is_empty() && record.steps.is_empty() && record.facts.is_empty());
        assert_eq!(Record::decode(&bytes[1..]), Err(NotARecord));
        assert_eq!(Record::decode(&bytes[..bytes.len() - 1]), Err(NotARecord));
        assert_eq!(Record::decode(&[0; RECORD_BYTES]), Err(NotARecord));
    }

    proptest! {
        #[test]
        fn any_bytes_behind_a_header_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4000), at in 0usize..8) {
            let mut whole = vec![0; RECORD_BYTES];
            whole[..8].copy_from_slice(&MAGIC.to_ne_bytes());
            whole[8] = 1;
            let at = [16, 512, MODULES_AT, STEPS_AT, STACK_AT, 100, 80, 200][at];
            whole[at..at + bytes.len()].copy_from_slice(&bytes);
            if let Ok(record) = Record::decode(&whole) {
                let _ = record.addresses(&[], 100);
            }
        }
    }
}
