//! Walking up by the tables that compilers leave for exceptions.

use framehop::{ExplicitModuleSectionInfo, Module as UnwindModule};

use super::{LoadedModule, Table};
use crate::record::{Module, Record};

impl Record {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn walk(&self, loaded: &[LoadedModule], max: usize) -> Vec<u64> {
        use framehop::Unwinder;
        use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
        let mut unwinder: UnwinderX86_64<Vec<u8>> = UnwinderX86_64::new();
        self.twins(loaded).for_each(|module| unwinder.add_module(module));
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
    pub(super) fn walk(&self, loaded: &[LoadedModule], max: usize) -> Vec<u64> {
        use framehop::Unwinder;
        use framehop::aarch64::{CacheAarch64, PtrAuthMask, UnwindRegsAarch64, UnwinderAarch64};
        let mut unwinder: UnwinderAarch64<Vec<u8>> = UnwinderAarch64::new();
        self.twins(loaded).for_each(|module| unwinder.add_module(module));
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
    pub(super) fn walk(&self, _: &[LoadedModule], max: usize) -> Vec<u64> {
        self.collect(std::iter::empty(), max)
    }

    /// The modules of the dead process that are loaded here too, at the place where it had them.
    fn twins(&self, loaded: &[LoadedModule]) -> impl Iterator<Item = UnwindModule<Vec<u8>>> {
        self.modules.iter().filter_map(|module| Some(unwind_module(module, self.twin(module, loaded)?)))
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
