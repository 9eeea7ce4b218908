//! What is loaded, and how to walk up through its functions.

use std::ffi::{CStr, c_int, c_void};

use crate::layout::MODULES_WORDS;
use crate::record::{Module, encode_modules};
use crate::unwind::{LoadedModule, READS_TABLES, Table};
use crate::words::MODULES;

/// What a linker calls the name that it gives to what it made.
const BUILD_ID: u32 = 3;
/// What a segment may be used for, by the standard of the format.
const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;
const READABLE: u32 = 4;
/// Most modules looked at; a program with more has them reported without names.
const MODULES_MAX: usize = 1024;
/// Bytes of code that tell a module without a name from another.
const CODE_BYTES: usize = 4096;

#[cfg(target_pointer_width = "64")]
type Header = libc::Elf64_Phdr;

/// Publishes the list of modules for the handler.
pub fn publish() {
    let mut modules: Vec<Module> = Vec::new();
    visit(|segments, path| modules.push(segments.module(path)));
    MODULES.publish(&encode_modules(&modules, (MODULES_WORDS - 1) * size_of::<u64>()));
}

/// The modules of this process, with copies of their unwinding tables where those are read.
pub fn loaded_modules() -> Vec<LoadedModule> {
    let mut modules = Vec::new();
    visit(|segments, path| {
        let tables = if READS_TABLES { segments.tables() } else { Some(<(Table, Table)>::default()) };
        if let Some((eh_frame_hdr, eh_frame)) = tables {
            modules.push(LoadedModule { module: segments.module(path), eh_frame_hdr, eh_frame });
        }
    });
    modules
}

/// The function at an address of this process, by the name that its library gives it to be linked by. Those that are
/// not meant for others have none.
pub fn name_at(address: u64) -> Option<String> {
    // SAFETY: it is made of numbers and pointers, for which zero is one.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: any address may be asked for; the loader writes to what is ours.
    let is_known = unsafe { libc::dladdr(address as *const c_void, &raw mut info) } != 0;
    if !is_known || info.dli_sname.is_null() {
        return None;
    }
    // SAFETY: the loader's text ends with a zero byte, and stays as long as the library is loaded.
    Some(unsafe { CStr::from_ptr(info.dli_sname) }.to_string_lossy().into_owned())
}

/// Shows each module that is loaded, under the lock that keeps it from being unloaded meanwhile.
fn visit(mut show: impl FnMut(&Segments<'_>, String)) {
    let mut count = 0;
    let mut each = |info: &libc::dl_phdr_info| {
        count += 1;
        if info.dlpi_phdr.is_null() || count > MODULES_MAX {
            return;
        }
        // SAFETY: the loader vouches for its list of segments.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let segments = Segments { base: info.dlpi_addr, headers };
        // SAFETY: the loader's text ends with a zero byte.
        let name = (!info.dlpi_name.is_null()).then(|| unsafe { CStr::from_ptr(info.dlpi_name) });
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_program = name.is_empty() && count == 1;
        let own =
            || std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        show(&segments, if is_program { own() } else { name });
    };
    let mut each: &mut dyn FnMut(&libc::dl_phdr_info) = &mut each;
    // SAFETY: `call` is given `each` back, which lives until the walk is over.
    unsafe { libc::dl_iterate_phdr(Some(call), (&raw mut each).cast()) };
}

unsafe extern "C" fn call(info: *mut libc::dl_phdr_info, _: usize, each: *mut c_void) -> c_int {
    // SAFETY: the loader gives a module, and what `visit` gave it.
    let (info, each) =
        unsafe { (info.as_ref(), each.cast::<&mut dyn FnMut(&libc::dl_phdr_info)>().as_mut()) };
    if let (Some(info), Some(each)) = (info, each) {
        // A panic cannot leave a function that C calls.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| each(info)));
    }
    0
}

/// The segments of a module that is loaded for as long as this lives.
struct Segments<'a> {
    base: u64,
    headers: &'a [Header],
}

impl<'a> Segments<'a> {
    fn loaded(&self) -> impl Iterator<Item = &'a Header> {
        self.headers.iter().filter(|header| header.p_type == libc::PT_LOAD)
    }

    /// The bytes in memory from an address of the file to the end of the segment that it is in. `None` for what is not
    /// loaded to be read.
    fn bytes_from(&self, address: u64) -> Option<&'a [u8]> {
        let is_in = |header: &&Header| {
            header.p_flags & READABLE != 0
                && header.p_flags & WRITABLE == 0
                && address.checked_sub(header.p_vaddr).is_some_and(|offset| offset < header.p_filesz)
        };
        let segment = self.loaded().find(is_in)?;
        let length = segment.p_vaddr.checked_add(segment.p_filesz)?.checked_sub(address)?;
        let at = usize::try_from(self.base.checked_add(address)?).ok()?;
        // SAFETY: it lies in a segment that the loader has mapped to be read and not to be written, and the module
        // stays loaded while it is shown.
        Some(unsafe { std::slice::from_raw_parts(at as *const u8, usize::try_from(length).ok()?) })
    }

    fn module(&self, path: String) -> Module {
        let end = self.loaded().map(|header| header.p_vaddr.saturating_add(header.p_memsz)).max();
        Module { base: self.base, size: end.unwrap_or(0), identity: self.identity(), path }
    }

    /// What the linker called it; else what its code begins with, shortened to as many bytes.
    fn identity(&self) -> Vec<u8> {
        let notes = self.headers.iter().filter(|header| header.p_type == libc::PT_NOTE);
        let named = notes.filter_map(|header| {
            let bytes = self.bytes_from(header.p_vaddr)?;
            build_id(bytes.get(..usize::try_from(header.p_filesz).ok()?)?)
        });
        let code = || {
            let segment = self.loaded().find(|header| header.p_flags & EXECUTABLE != 0)?;
            let code = self.bytes_from(segment.p_vaddr)?;
            Some(shortened(code.get(..CODE_BYTES).unwrap_or(code)).to_vec())
        };
        let mut named = named;
        named.next().or_else(code).unwrap_or_default()
    }

    /// The tables by which to walk up, copied; the address of each as the file has it comes first.
    fn tables(&self) -> Option<(Table, Table)> {
        let header = self.headers.iter().find(|header| header.p_type == libc::PT_GNU_EH_FRAME)?;
        let index = self.bytes_from(header.p_vaddr)?;
        let index = index.get(..usize::try_from(header.p_filesz).ok()?)?;
        // Version 1, and a distance of four bytes from its own place to the other table: as all linkers write it.
        let [1, 0x1b, _, _, distance @ ..] = index else { return None };
        let distance = i32::from_ne_bytes(*distance.first_chunk()?);
        let at = (header.p_vaddr + 4).checked_add_signed(distance.into())?;
        Some(((header.p_vaddr, index.to_vec()), (at, self.bytes_from(at)?.to_vec())))
    }
}

/// The name in a list of notes: each has the lengths of its owner and its text, and its kind, then both texts.
fn build_id(mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let mut number = || {
            let (number, rest) = notes.split_first_chunk()?;
            notes = rest;
            Some(u32::from_ne_bytes(*number))
        };
        let (owner_length, length, kind) = (number()? as usize, number()? as usize, number()?);
        let (owner, rest) = notes.split_at_checked(owner_length.next_multiple_of(4))?;
        let (text, rest) = rest.split_at_checked(length.checked_next_multiple_of(4)?.min(rest.len()))?;
        if kind == BUILD_ID && owner == b"GNU\0" {
            return text.get(..length).map(<[u8]>::to_vec);
        }
        notes = rest;
    }
}

/// Two hashes by Fowler, Noll and Vo (FNV-1a), from both ends.
fn shortened(code: &[u8]) -> [u8; 16] {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let forward = code.iter().fold(0xcbf2_9ce4_8422_2325, step);
    let backward = code.iter().rev().fold(forward, step);
    ((u128::from(forward) << 64) | u128::from(backward)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_and_its_libraries_are_found_with_their_tables() {
        let modules = loaded_modules();
        let here = this_program_and_its_libraries_are_found_with_their_tables as *const () as u64;
        let own = modules.iter().find(|loaded| loaded.module.contains(here)).unwrap();
        assert_eq!(own.module.path, std::env::current_exe().unwrap().to_string_lossy());
        assert!(!own.module.identity.is_empty() && !own.eh_frame.1.is_empty());
        assert!(modules.iter().any(|loaded| loaded.module.path.contains("libc")));
    }

    #[test]
    fn a_function_has_the_name_that_it_is_linked_by() {
        let address = libc::abort as *const () as u64;
        assert_eq!(name_at(address + 1).as_deref(), Some("abort"));
        assert_eq!(name_at(1), None);
    }

    #[test]
    fn notes_of_others_are_passed_over_and_broken_ones_end_the_list() {
        let note = |owner: &[u8], kind: u32, text: &[u8]| {
            let mut bytes = [owner.len() as u32, text.len() as u32, kind].map(u32::to_ne_bytes).concat();
            for part in [owner, text] {
                bytes.extend(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            bytes
        };
        let notes = [note(b"GNU\0", 5, b"property"), note(b"GNU\0", 3, b"a name")].concat();
        assert_eq!(build_id(&notes).as_deref(), Some(&b"a name"[..]));
        assert_eq!(build_id(&note(b"stapsdt\0", 3, b"x")), None);
        for end in 0..notes.len() - 8 {
            assert_eq!(build_id(&notes[..end]), None, "{end}");
        }
    }
}
