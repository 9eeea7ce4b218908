//! The registers of an interrupted thread.

use crate::layout;

/// The processor that this is compiled for.
#[cfg(target_arch = "x86_64")]
pub const PROCESSOR: u64 = layout::X86_64;
/// The processor that this is compiled for.
#[cfg(target_arch = "aarch64")]
pub const PROCESSOR: u64 = layout::AARCH64;

#[cfg(target_arch = "x86_64")]
const COUNT: usize = layout::X86_64_REGISTERS.len();
#[cfg(target_arch = "aarch64")]
const COUNT: usize = layout::AARCH64_REGISTERS.len();

/// The registers in the order of the layout, and the stack pointer among them.
#[cfg(target_arch = "x86_64")]
pub fn read(context: &libc::ucontext_t) -> ([u64; COUNT], u64) {
    let mut registers = [0; COUNT];
    for (to, from) in registers.iter_mut().zip(context.uc_mcontext.gregs) {
        *to = from.cast_unsigned();
    }
    (registers, registers[15])
}

/// The registers in the order of the layout, and the stack pointer among them.
#[cfg(target_arch = "aarch64")]
pub fn read(context: &libc::ucontext_t) -> ([u64; COUNT], u64) {
    let context = &context.uc_mcontext;
    let mut registers = [0; COUNT];
    let all = context.regs.iter().chain([&context.sp, &context.pc, &context.pstate]);
    for (to, from) in registers.iter_mut().zip(all) {
        *to = *from;
    }
    (registers, context.sp)
}
