//! Walking up by frame pointers: each function keeps the address of its caller's frame, and beside it where it returns to.
//!
//! For phones, 64-bit ARM on Android, whose compilers keep frame pointers in all that they make, be it C, C++ or Rust. There
//! the tables would help little, since the libraries of an application are not loaded yet when the record is read, and what
//! reads them would be a tenth of what the phone has to download.

use crate::record::Record;

impl Record {
    /// Addresses of the calls, the newest first.
    #[cfg(all(target_os = "android", target_arch = "aarch64"))]
    pub(super) fn walk(&self, _: &[super::LoadedModule], max: usize) -> Vec<u64> {
        self.chain(max)
    }

    fn chain(&self, max: usize) -> Vec<u64> {
        // Above the bits of an address the processor may keep a signature of it.
        let highest = self.modules.iter().map(|module| module.base.saturating_add(module.size)).max();
        let mask = highest.and_then(u64::checked_next_power_of_two).map_or(u64::MAX, |end| end - 1);
        let register = |name| self.register(name).unwrap_or(0);
        let mut addresses = vec![self.instruction()];
        let mut frame = register("fp");
        let link = register("lr") & mask;
        let returns_to = |frame: u64| Some(self.stack_word(frame.checked_add(8)?)? & mask);
        // A function that calls nothing has no frame: only the register knows its caller.
        if link != 0 && returns_to(frame) != Some(link) {
            addresses.push(link);
        }
        while addresses.len() < max
            && let Some(address) = returns_to(frame)
            && address != 0
        {
            addresses.push(address);
            match self.stack_word(frame) {
                // Callers' frames are farther up.
                Some(next) if next > frame => frame = next,
                _ => break,
            }
        }
        addresses.truncate(max);
        addresses
    }
}

#[cfg(test)]
mod tests {
    use crate::record::{Module, Record, Register};

    const STACK: u64 = 0x7fff_0000;

    fn record(pc: u64, fp: u64, lr: u64, stack: &[u64]) -> Record {
        let register = |name, value| Register { name, value };
        Record {
            registers: vec![register("pc", pc), register("fp", fp), register("lr", lr)],
            modules: vec![Module {
                base: 0x1000,
                size: 0x9000,
                identity: Vec::new(),
                path: "/data/app/x.so".into(),
            }],
            stack_start: STACK,
            stack: stack.iter().flat_map(|word| word.to_ne_bytes()).collect(),
            ..Record::default()
        }
    }

    #[test]
    fn calls_are_found_from_frame_to_frame_without_the_processors_signatures() {
        let stack = [STACK + 32, 0x00aa_0000_0000_2000, 7, 7, STACK + 48, 0x3000, 0, 0x4000];
        // The newest has its frame already, or it has none.
        assert_eq!(record(0x1500, STACK, 0x2000, &stack).chain(99), [0x1500, 0x2000, 0x3000, 0x4000]);
        assert_eq!(record(0x1500, STACK, 0x1700, &stack).chain(99), [0x1500, 0x1700, 0x2000, 0x3000, 0x4000]);
        assert_eq!(record(0, STACK, 0x1700, &stack).chain(2), [0, 0x1700]);
    }

    #[test]
    fn a_chain_that_is_broken_ends() {
        for stack in [
            vec![],
            vec![STACK, 0x2000],
            vec![STACK - 8, 0x2000],
            vec![u64::MAX, 0x2000],
            vec![STACK + 16, 0x2000, 8],
        ] {
            let found = record(0x1500, STACK, 0, &stack).chain(99);
            assert!(found == [0x1500] || found == [0x1500, 0x2000], "{stack:?}: {found:x?}");
        }
        assert_eq!(record(0x1500, u64::MAX, 0, &[1, 2]).chain(99), [0x1500]);
    }
}
