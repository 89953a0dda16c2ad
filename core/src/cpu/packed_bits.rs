//! Codes of 2, 4 or 8 bits packed into bytes, low bits first, each row filled up to a whole byte.

/// Bytes of a row of `len` codes.
pub fn row_bytes(len: usize, bits: usize) -> usize {
    len.div_ceil(8 / bits)
}

/// Code `i` of a row.
pub fn code(row: &[u8], i: usize, bits: usize) -> u8 {
    let per = 8 / bits;
    (row[i / per] >> (i % per * bits)) & (0xff >> (8 - bits))
}
