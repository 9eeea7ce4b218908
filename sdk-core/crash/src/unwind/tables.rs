//! Walking up by the tables that compilers leave for exceptions.

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, Encoding, EndianSlice, LittleEndian, Operation, Register,
    RegisterRule, UnwindContext, UnwindExpression, UnwindSection,
};

use super::LoadedModule;
use crate::record::Record;

/// The registers by the numbers that tables give them, and the address of the instruction after them.
#[cfg(target_arch = "x86_64")]
const NAMES: [&str; 17] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rip",
];
#[cfg(target_arch = "aarch64")]
const NAMES: [&str; 33] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr",
    "sp", "pc",
];

/// Where the frame is.
const FRAME: usize = if cfg!(target_arch = "x86_64") { 6 } else { 29 };
/// Where the stack ends.
const STACK: usize = if cfg!(target_arch = "x86_64") { 7 } else { 31 };
/// Where it is returned to.
const LINK: usize = if cfg!(target_arch = "x86_64") { 16 } else { 30 };
const INSTRUCTION: usize = NAMES.len() - 1;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;
type Registers = [u64; NAMES.len()];

impl Record {
    /// Addresses of the calls, the newest first.
    pub(super) fn walk(&self, loaded: &[LoadedModule], max: usize) -> Vec<u64> {
        let mut registers = NAMES.map(|name| self.register(name).unwrap_or(0));
        let mut addresses = vec![registers[INSTRUCTION]];
        let mut context = UnwindContext::new();
        let mut is_first = true;
        while addresses.len() < max {
            let called = registers;
            let found = match called[INSTRUCTION] {
                0 => self.returned_from_null(&called),
                address => {
                    // A call is before the place that it returns to.
                    let address = if is_first { address } else { address - 1 };
                    self.caller(&called, address, loaded, &mut context)
                }
            };
            let Some(mut caller) = found else { break };
            caller[INSTRUCTION] &= self.address_mask();
            // A function that calls nothing may have no place on the stack.
            let moved = caller[STACK] > called[STACK] || is_first && caller[STACK] == called[STACK];
            if caller[INSTRUCTION] == 0 || !moved {
                break;
            }
            addresses.push(caller[INSTRUCTION]);
            registers = caller;
            is_first = false;
        }
        addresses.truncate(max);
        addresses
    }

    /// Above the bits of an address a processor may keep a signature of it.
    fn address_mask(&self) -> u64 {
        let highest = self.modules.iter().map(|module| module.base.saturating_add(module.size)).max();
        match cfg!(target_arch = "aarch64") {
            true => highest.and_then(u64::checked_next_power_of_two).map_or(u64::MAX, |end| end - 1),
            false => u64::MAX,
        }
    }

    /// As if the call of NULL had returned already.
    fn returned_from_null(&self, called: &Registers) -> Option<Registers> {
        let mut caller = *called;
        if LINK == INSTRUCTION {
            caller[INSTRUCTION] = self.stack_word(called[STACK])?;
            caller[STACK] = called[STACK].checked_add(8)?;
        } else {
            caller[INSTRUCTION] = called[LINK];
        }
        Some(caller)
    }

    /// The registers after the function at `address` has returned.
    fn caller(
        &self,
        called: &Registers,
        address: u64,
        loaded: &[LoadedModule],
        context: &mut UnwindContext<usize>,
    ) -> Option<Registers> {
        let module = self.module_at(address);
        let twin = module.and_then(|module| Some((self.twin(module, loaded)?, address - module.base)));
        let step = twin.and_then(|(twin, address)| self.by_table(called, address, twin, context));
        step.unwrap_or_else(|| self.by_frame(called))
    }

    /// By the frame: what it was before lies in it, and beside it where it is returned to.
    fn by_frame(&self, called: &Registers) -> Option<Registers> {
        let frame = called[FRAME];
        let mut caller = *called;
        caller[FRAME] = self.stack_word(frame)?;
        caller[INSTRUCTION] = self.stack_word(frame.checked_add(8)?)?;
        caller[STACK] = frame.checked_add(16)?;
        Some(caller)
    }

    /// By the table of a module, whose addresses begin at 0; `None` where it says nothing, `Some(None)` where it says that
    /// nobody called, or what cannot be followed.
    fn by_table(
        &self,
        called: &Registers,
        address: u64,
        module: &LoadedModule,
        context: &mut UnwindContext<usize>,
    ) -> Option<Option<Registers>> {
        let (index_at, index) = &module.eh_frame_hdr;
        let (table_at, table) = &module.eh_frame;
        let bases = BaseAddresses::default().set_eh_frame_hdr(*index_at).set_eh_frame(*table_at);
        let index = EhFrameHdr::new(index, LittleEndian).parse(&bases, 8).ok()?;
        let mut table = EhFrame::new(table, LittleEndian);
        table.set_address_size(8);
        let place = index.table()?.fde_for_address(&table, &bases, address, EhFrame::cie_from_offset).ok()?;
        let row = place.unwind_info_for_address(&table, &bases, context, address).ok()?;
        let rules = Rules { record: self, called, table: &table, encoding: place.cie().encoding() };
        let link = place.cie().return_address_register();
        let caller = rules.frame(row.cfa()).and_then(|frame| {
            let mut caller = *called;
            caller[STACK] = frame;
            for (register, rule) in row.registers() {
                if let Some(value) = caller.get_mut(usize::from(register.0))
                    && *register != link
                {
                    // What a function keeps for itself is of no use to its caller.
                    *value = rules.value(*register, rule, frame).unwrap_or(*value);
                }
            }
            caller[INSTRUCTION] = match row.register(link) {
                Some(rule) => rules.value(link, &rule, frame)?,
                // It is in its register still, where there is one.
                None if LINK != INSTRUCTION => called[LINK],
                None => return None,
            };
            Some(caller)
        });
        Some(caller)
    }
}

/// What a row of a table refers to.
struct Rules<'a> {
    record: &'a Record,
    called: &'a Registers,
    table: &'a EhFrame<Bytes<'a>>,
    encoding: Encoding,
}

impl Rules<'_> {
    fn register(&self, register: Register) -> Option<u64> {
        self.called.get(usize::from(register.0)).copied()
    }

    /// Where the stack ended before the call.
    fn frame(&self, rule: &CfaRule<usize>) -> Option<u64> {
        match rule {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.register(*register)?.checked_add_signed(*offset)
            }
            CfaRule::Expression(expression) => self.result(expression, None),
        }
    }

    /// What a register had before the call.
    fn value(&self, register: Register, rule: &RegisterRule<usize>, frame: u64) -> Option<u64> {
        match rule {
            RegisterRule::SameValue => self.register(register),
            RegisterRule::Offset(offset) => self.record.stack_word(frame.checked_add_signed(*offset)?),
            RegisterRule::ValOffset(offset) => frame.checked_add_signed(*offset),
            RegisterRule::Register(other) => self.register(*other),
            RegisterRule::Expression(at) => self.record.stack_word(self.result(at, Some(frame))?),
            RegisterRule::ValExpression(expression) => self.result(expression, Some(frame)),
            _ => None,
        }
    }

    /// What an expression comes to, of those words of it that linkers and C libraries use: none of them jumps.
    fn result(&self, expression: &UnwindExpression<usize>, frame: Option<u64>) -> Option<u64> {
        let mut stack = Vec::from_iter(frame);
        let mut operations = expression.get(self.table).ok()?.operations(self.encoding);
        while let Some(operation) = operations.next().ok()? {
            let result = match operation {
                Operation::RegisterOffset { register, offset, .. } => {
                    self.register(register)?.wrapping_add_signed(offset)
                }
                Operation::UnsignedConstant { value } => value,
                Operation::PlusConstant { value } => stack.pop()?.wrapping_add(value),
                Operation::Deref { size: 8, .. } => self.record.stack_word(stack.pop()?)?,
                operation => {
                    let (right, left) = (stack.pop()?, stack.pop()?);
                    match operation {
                        Operation::And => left & right,
                        Operation::Ge => u64::from(left.cast_signed() >= right.cast_signed()),
                        Operation::Plus => left.wrapping_add(right),
                        Operation::Shl => left.checked_shl(u32::try_from(right).ok()?)?,
                        _ => return None,
                    }
                }
            };
            stack.push(result);
        }
        stack.pop()
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::record;
    use crate::record::Module;

    const BASE: u64 = 0x5000_0000;
    const INDEX_AT: u64 = 0x100;
    const TABLE_AT: u64 = 0x200;
    const STACK_AT: u64 = 0x7fff_0000;

    fn word(value: u64) -> [u8; 4] {
        (value as u32).to_le_bytes()
    }

    fn entry(parts: &[&[u8]]) -> Vec<u8> {
        let mut body = parts.concat();
        body.resize(body.len().next_multiple_of(4), 0);
        [&word(body.len() as u64), &body[..]].concat()
    }

    /// A module with functions of 256 bytes, each with the place where it begins and the instructions of its table.
    fn module(functions: &[(u64, &[u8])]) -> LoadedModule {
        // Version 1, addresses as distances; the stack ended 8 bytes up, and the address to return to lies before that.
        let common = [1, b'z', b'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1];
        let mut table = entry(&[&word(0), &common]);
        let count = word(functions.len() as u64);
        let mut index = [&[1, 0x1b, 3, 0x3b], &word(TABLE_AT - INDEX_AT - 4)[..], &count].concat();
        for (begin, instructions) in functions {
            let at = table.len() as u64;
            index.extend([word(begin - INDEX_AT), word(TABLE_AT + at - INDEX_AT)].concat());
            let distance = word(begin - (TABLE_AT + at + 8));
            table.extend(entry(&[&word(at + 4), &distance, &word(0x100), &[0], instructions]));
        }
        table.extend(word(0));
        let module = Module { base: BASE, size: 0x1_0000, identity: vec![7], path: "x.so".into() };
        LoadedModule { module, eh_frame_hdr: (INDEX_AT, index), eh_frame: (TABLE_AT, table) }
    }

    fn record(pc: u64, rbp: u64, stack: &[u64]) -> Record {
        let register = |(name, value)| record::Register { name, value };
        Record {
            registers: [("rip", pc), ("rsp", STACK_AT), ("rbp", rbp)].map(register).to_vec(),
            modules: vec![module(&[]).module],
            stack_start: STACK_AT,
            stack: stack.iter().flat_map(|word| word.to_ne_bytes()).collect(),
            ..Record::default()
        }
    }

    /// The first takes 24 bytes of the stack; the second is what linkers write for their jumps to other libraries: of each
    /// 16 bytes the first 11 take none, the others 8.
    fn two_functions() -> LoadedModule {
        let jumps = [0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
        module(&[(0x1000, &[0x0e, 32]), (0x2000, &jumps)])
    }

    #[test]
    fn calls_are_found_by_tables_and_by_frames_where_there_are_none() {
        let stack = [1, 2, 3, BASE + 0x2010, 0x9999, 0, 0, 0x7777];
        let record = record(BASE + 0x1004, STACK_AT + 48, &stack);
        let all = [BASE + 0x1004, BASE + 0x2010, 0x9999, 0x7777];
        assert_eq!(record.walk(&[two_functions()], 99), all);
        assert_eq!(record.walk(&[two_functions()], 2), all[..2]);
        // Without the module the frame is all that is known.
        assert_eq!(record.walk(&[], 99), [BASE + 0x1004, 0x7777]);
    }

    #[test]
    fn a_table_may_say_by_an_expression_where_the_stack_ended() {
        let record = record(BASE + 0x200b, 0, &[1, BASE + 0x1004, 2, 3, 4, BASE + 0x2010, 0x9999]);
        let all = [BASE + 0x200b, BASE + 0x1004, BASE + 0x2010, 0x9999];
        assert_eq!(record.walk(&[two_functions()], 99), all);
    }

    #[test]
    fn a_call_of_null_came_from_what_lies_on_the_stack() {
        // The call is the last instruction of its function.
        let record = record(0, 0, &[BASE + 0x1100, 1, 2, 3, BASE + 0x2010, 0]);
        assert_eq!(record.walk(&[two_functions()], 99), [0, BASE + 0x1100, BASE + 0x2010]);
    }

    #[test]
    fn a_function_that_nobody_called_and_one_that_moves_down_are_the_last() {
        // Where it is returned to is not known; the stack ended before where it ends now.
        for instructions in [&[0x07, 16][..], &[0x0e, 0], &[0x0f, 2, 0x77, 0x70]] {
            let record = record(BASE + 0x3000, STACK_AT, &[STACK_AT + 32, BASE + 0x1004, 0, 0, 0, 0x4444]);
            let found = record.walk(&[module(&[(0x3000, instructions)])], 99);
            assert_eq!(found, [BASE + 0x3000], "{instructions:x?}");
        }
    }
}
