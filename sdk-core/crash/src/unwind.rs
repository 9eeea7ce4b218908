//! From registers and a piece of stack to the calls that led to the crash.
//!
//! The tables that say how to walk up from an instruction are those of the running process, which is the same program
//! most of the time: a module of the record is matched with a loaded one by its identity, and no file that the record
//! names is ever opened. Where none matches, what is left is the chain of frame pointers.

use framehop::{ExplicitModuleSectionInfo, Module as UnwindModule};

use crate::layout::{AARCH64, X86_64, registers_of};
use crate::record::{Module, Record};

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
    /// The section `.eh_frame_hdr`.
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
        let modules = self.modules.iter().filter_map(|module| {
            let twin = self.twin(module, loaded)?;
            Some(unwind_module(module, twin))
        });
        // A record of another processor is not of this machine.
        let walked = match registers_of(NATIVE).is_some_and(|own| self.registers.len() == own.len()) {
            true => self.walk(modules, max),
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

    fn stack_word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.stack_start)?).ok()?;
        self.stack.get(offset..).and_then(<[u8]>::first_chunk).map(|word| u64::from_ne_bytes(*word))
    }

    #[cfg(target_arch = "x86_64")]
    fn walk(&self, modules: impl Iterator<Item = UnwindModule<Vec<u8>>>, max: usize) -> Vec<u64> {
        use framehop::Unwinder;
        use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
        let mut unwinder: UnwinderX86_64<Vec<u8>> = UnwinderX86_64::new();
        modules.for_each(|module| unwinder.add_module(module));
        let register = |name| self.register(name).unwrap_or(0);
        let mut pc = self.instruction();
        let mut sp = register("rsp");
        if pc == 0 {
            // As if the call of NULL had returned already.
            (pc, sp) = (self.stack_word(sp).unwrap_or(0), sp.wrapping_add(8));
        }
        let mut registers = UnwindRegsX86_64::new(pc, sp, register("rbp"));
        for (name, at) in [
            ("rax", framehop::x86_64::Reg::RAX),
            ("rdx", framehop::x86_64::Reg::RDX),
            ("rcx", framehop::x86_64::Reg::RCX),
            ("rbx", framehop::x86_64::Reg::RBX),
            ("rsi", framehop::x86_64::Reg::RSI),
            ("rdi", framehop::x86_64::Reg::RDI),
            ("r8", framehop::x86_64::Reg::R8),
            ("r9", framehop::x86_64::Reg::R9),
            ("r10", framehop::x86_64::Reg::R10),
            ("r11", framehop::x86_64::Reg::R11),
            ("r12", framehop::x86_64::Reg::R12),
            ("r13", framehop::x86_64::Reg::R13),
            ("r14", framehop::x86_64::Reg::R14),
            ("r15", framehop::x86_64::Reg::R15),
        ] {
            registers.set(at, register(name));
        }
        let (mut cache, mut read) = (CacheX86_64::new(), |address| self.stack_word(address).ok_or(()));
        let mut frames = unwinder.iter_frames(pc, registers, &mut cache, &mut read);
        self.collect(std::iter::from_fn(|| frames.next().ok().flatten()).map(|frame| frame.address()), max)
    }

    #[cfg(target_arch = "aarch64")]
    fn walk(&self, modules: impl Iterator<Item = UnwindModule<Vec<u8>>>, max: usize) -> Vec<u64> {
        use framehop::Unwinder;
        use framehop::aarch64::{CacheAarch64, PtrAuthMask, UnwindRegsAarch64, UnwinderAarch64};
        let mut unwinder: UnwinderAarch64<Vec<u8>> = UnwinderAarch64::new();
        modules.for_each(|module| unwinder.add_module(module));
        let register = |name| self.register(name).unwrap_or(0);
        let highest = self.modules.iter().map(|module| module.base.saturating_add(module.size)).max();
        let mask = PtrAuthMask::from_max_known_address(highest.unwrap_or(u64::MAX));
        let registers =
            UnwindRegsAarch64::new_with_ptr_auth_mask(mask, register("lr"), register("sp"), register("fp"));
        let pc =
            if self.instruction() == 0 { mask.strip_ptr_auth(register("lr")) } else { self.instruction() };
        let (mut cache, mut read) = (CacheAarch64::new(), |address| self.stack_word(address).ok_or(()));
        let mut frames = unwinder.iter_frames(pc, registers, &mut cache, &mut read);
        self.collect(std::iter::from_fn(|| frames.next().ok().flatten()).map(|frame| frame.address()), max)
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn walk(&self, _: impl Iterator<Item = UnwindModule<Vec<u8>>>, max: usize) -> Vec<u64> {
        self.collect(std::iter::empty(), max)
    }

    /// What was walked, with the NULL that was called before it.
    fn collect(&self, walked: impl Iterator<Item = u64>, max: usize) -> Vec<u64> {
        let null = (self.instruction() == 0).then_some(0);
        null.into_iter().chain(walked.filter(|address| *address != 0)).take(max).collect()
    }
}

/// The module at the place where the dead process had it, with the tables of its twin.
fn unwind_module(module: &Module, twin: &LoadedModule) -> UnwindModule<Vec<u8>> {
    let range = |(at, bytes): &Table| *at..at.saturating_add(bytes.len() as u64);
    let sections = ExplicitModuleSectionInfo {
        eh_frame_hdr_svma: Some(range(&twin.eh_frame_hdr)),
        eh_frame_hdr: Some(twin.eh_frame_hdr.1.clone()),
        eh_frame_svma: Some(range(&twin.eh_frame)),
        eh_frame: Some(twin.eh_frame.1.clone()),
        ..ExplicitModuleSectionInfo::default()
    };
    let end = module.base.saturating_add(module.size);
    UnwindModule::new(module.path.clone(), module.base..end, module.base, sections)
}
