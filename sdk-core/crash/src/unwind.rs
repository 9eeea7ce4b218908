//! From registers and a piece of stack to the calls that led to the crash.
//!
//! The tables that say how to walk up from an instruction are those of the running process, which is the same program
//! most of the time: a module of the record is matched with a loaded one by its identity, and no file that the record
//! names is ever opened. Where none matches, what is left is the chain of frame pointers; and on phones there is only that,
//! see `chain`.

use crate::layout::{AARCH64, X86_64, registers_of};
use crate::record::{Module, Record};

#[cfg(any(test, all(target_os = "android", target_arch = "aarch64")))]
mod chain;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", not(target_os = "android"))))]
mod tables;

/// Whether tables are read at all.
pub const READS_TABLES: bool = !cfg!(all(target_os = "android", target_arch = "aarch64"));

/// The processor that this is compiled for; others have no records.
const NATIVE: u64 = if cfg!(target_arch = "x86_64") {
    X86_64
} else if cfg!(target_arch = "aarch64") {
    AARCH64
} else {
    0
};

/// Address of a section, as its file has it, and its bytes.
pub type Table = (u64, Vec<u8>);

/// A module of the running process, with what it takes to walk up through its functions.
#[derive(Debug, Clone)]
pub struct LoadedModule {
    /// What it is.
    pub module: Module,
    /// The section `.eh_frame_hdr`; empty where tables are not read.
    pub eh_frame_hdr: Table,
    /// The section `.eh_frame`; bytes of what comes after it may follow.
    pub eh_frame: Table,
}

impl Record {
    /// Addresses of the calls, the newest first, at most `max`: where the processor was, then where each call was to
    /// return to.
    pub fn addresses(&self, loaded: &[LoadedModule], max: usize) -> Vec<u64> {
        let mut addresses = vec![self.instruction()];
        if self.instruction() == 0 {
            // A call of NULL: where it came from lies on top of the stack, or in the register for it.
            addresses.extend(self.register("lr").or_else(|| self.stack_word(self.register("rsp")?)));
        }
        // A record of another processor is not of this machine.
        let walked = match registers_of(NATIVE).is_some_and(|own| self.registers.len() == own.len()) {
            true => self.walk(loaded, max),
            false => Vec::new(),
        };
        // The first two are known without walking; more than that is better.
        if walked.len() >= addresses.len() { walked } else { addresses }
    }

    /// The address at which the running process has what the dead one had at `address`.
    pub fn relocated(&self, address: u64, loaded: &[LoadedModule]) -> Option<u64> {
        let module = self.module_at(address)?;
        let twin = self.twin(module, loaded)?;
        twin.module.base.checked_add(address - module.base)
    }

    fn twin<'a>(&self, module: &Module, loaded: &'a [LoadedModule]) -> Option<&'a LoadedModule> {
        let is_twin = |other: &&LoadedModule| {
            !module.identity.is_empty()
                && other.module.identity == module.identity
                && other.module.size == module.size
        };
        loaded.iter().find(is_twin)
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn walk(&self, _: &[LoadedModule], _: usize) -> Vec<u64> {
        Vec::new()
    }

    fn stack_word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.stack_start)?).ok()?;
        self.stack.get(offset..).and_then(<[u8]>::first_chunk).map(|word| u64::from_ne_bytes(*word))
    }
}
