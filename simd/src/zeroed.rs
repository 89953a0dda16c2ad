//! Zeros by the megabyte: in one instruction where the machine has it, not element by element.

use std::collections::TryReserveError;

/// What may be all zero bits.
///
/// # Safety
/// Zero bits must be a value of the type.
pub unsafe trait Zeroable: Copy {}

// SAFETY: they are numbers.
unsafe impl Zeroable for i32 {}

/// So many zeros.
pub fn zeroed<T: Zeroable>(len: usize) -> Result<Vec<T>, TryReserveError> {
    let mut vec = Vec::new();
    grow(&mut vec, len)?;
    Ok(vec)
}

/// Adds zeros until there are `len` elements, if there are fewer.
pub fn grow<T: Zeroable>(vec: &mut Vec<T>, len: usize) -> Result<(), TryReserveError> {
    let more = len.saturating_sub(vec.len());
    vec.try_reserve_exact(more)?;
    // SAFETY: there is room for them, and zero bits are values.
    unsafe {
        vec.as_mut_ptr().add(vec.len()).write_bytes(0, more);
        vec.set_len(vec.len() + more);
    }
    Ok(())
}
