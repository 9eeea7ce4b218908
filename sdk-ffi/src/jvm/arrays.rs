//! Java's arrays: how bytes get over the border, and how a call gets its answer back.

use std::ptr::null_mut;

use jni_sys::{JNIEnv, JNINativeInterface_, jbyteArray, jlongArray, jsize};

use crate::boundary::boundary;
use crate::status::Status;
use crate::text::Text;

/// The machine, as the thread that calls sees it, for as long as the call lasts.
#[derive(Clone, Copy)]
pub(crate) struct Machine(*mut JNIEnv);

/// Does the work of one call; whatever goes wrong in it is a status, and no exception is pending afterwards.
pub(crate) fn call(env: *mut JNIEnv, body: impl FnOnce(Machine) -> Result<(), Status>) -> u32 {
    boundary(|| {
        let machine = Machine(env);
        let done = body(machine);
        machine.clear_exception()?;
        done
    }) as u32
}

/// Calls a function of the machine's table.
macro_rules! ask {
    ($machine:expr, $function:ident $(, $argument:expr)*) => {{
        // SAFETY: the machine hands out a table that it filled in, to the thread that it called, for the time of the call.
        let function = unsafe { $machine.table()?.v1_2.$function };
        // SAFETY: the arguments are what the function says that it takes; arrays are those that the machine passed.
        unsafe { function($machine.0 $(, $argument)*) }
    }};
}

impl Machine {
    /// # Safety
    /// It is that of a call which is not over yet.
    unsafe fn table<'a>(self) -> Result<&'a JNINativeInterface_, Status> {
        if self.0.is_null() {
            return Err(Status::NullPointer);
        }
        // SAFETY: not NULL; the caller vouches for the rest.
        unsafe { (*self.0).as_ref() }.ok_or(Status::NullPointer)
    }

    /// The machine's own trouble, such as no memory for an array, is a status like all other.
    fn clear_exception(self) -> Result<(), Status> {
        if ask!(self, ExceptionCheck) {
            ask!(self, ExceptionClear);
        }
        Ok(())
    }

    fn length(self, array: jbyteArray) -> Result<jsize, Status> {
        Ok(ask!(self, GetArrayLength, array))
    }

    /// Copies bytes that come from Java; of NULL there are none.
    pub(crate) fn read(self, array: jbyteArray) -> Result<Bytes, Status> {
        if array.is_null() {
            return Ok(Bytes(Vec::new()));
        }
        let length = self.length(array)?;
        let mut bytes = vec![0_u8; usize::try_from(length).map_err(|_| Status::InvalidArgument)?];
        ask!(self, GetByteArrayRegion, array, 0, length, bytes.as_mut_ptr().cast());
        Ok(Bytes(bytes))
    }

    /// Makes an array of bytes.
    pub(crate) fn new_bytes(self, bytes: &[u8]) -> Result<jbyteArray, Status> {
        let length = jsize::try_from(bytes.len()).map_err(|_| Status::InvalidArgument)?;
        let array = ask!(self, NewByteArray, length);
        if array.is_null() {
            return Err(Status::InvalidArgument);
        }
        ask!(self, SetByteArrayRegion, array, 0, length, bytes.as_ptr().cast());
        Ok(array)
    }

    /// Writes bytes to the beginning of an array that Java made for them.
    pub(crate) fn write_bytes(self, out: jbyteArray, bytes: &[u8]) -> Result<(), Status> {
        let length = jsize::try_from(bytes.len()).map_err(|_| Status::InvalidArgument)?;
        self.check_room(out, length)?;
        ask!(self, SetByteArrayRegion, out, 0, length, bytes.as_ptr().cast());
        Ok(())
    }

    /// Writes a number to the beginning of an array that Java made for it.
    pub(crate) fn write_number(self, out: jlongArray, number: u64) -> Result<(), Status> {
        self.check_room(out, 1)?;
        let number = number.cast_signed();
        ask!(self, SetLongArrayRegion, out, 0, 1, &number);
        Ok(())
    }

    fn check_room(self, out: jbyteArray, length: jsize) -> Result<(), Status> {
        if out.is_null() {
            return Err(Status::NullPointer);
        }
        if self.length(out)? < length { Err(Status::InvalidArgument) } else { Ok(()) }
    }
}

/// What there is in place of an array that could not be made.
pub(crate) const NONE: jbyteArray = null_mut();

/// Bytes that came from Java.
pub(crate) struct Bytes(Vec<u8>);

impl Bytes {
    /// As the C ABI borrows text; lives as long as these do.
    pub(crate) fn text(&self) -> Text {
        Text { data: self.0.as_ptr().cast(), length: self.0.len() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// Goes on after a call of the C ABI that succeeded.
pub(crate) fn succeeded(status: Status) -> Result<(), Status> {
    if status == Status::Ok { Ok(()) } else { Err(status) }
}
