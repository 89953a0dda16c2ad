//! Huffman codes and the bits that they are read from.

/// Where each coefficient, in the order in which they are coded, lies in a block.
pub const ZIGZAG: [usize; 64] = zigzag();

/// Diagonal by diagonal, in alternating directions.
const fn zigzag() -> [usize; 64] {
    let mut order = [0; 64];
    let (mut i, mut x, mut y) = (0, 0, 0);
    while i < 64 {
        order[i] = y * 8 + x;
        i += 1;
        match ((x + y) % 2 == 0, x, y) {
            (true, 7, _) => y += 1,
            (true, _, 0) => x += 1,
            (true, ..) => {
                x += 1;
                y -= 1;
            }
            (false, _, 7) => x += 1,
            (false, 0, _) => y += 1,
            (false, ..) => {
                x -= 1;
                y += 1;
            }
        }
    }
    order
}

/// Codes up to this length are found in one step.
const QUICK: u32 = 8;

/// A Huffman code.
pub struct Table {
    symbols: Vec<u8>,
    /// By length: the code after the last one, shifted to 16 bits; what is below has that length.
    ends: [u32; 17],
    /// By length: the index of the symbol of a code, minus the code.
    offsets: [i32; 17],
    /// By the next bits: length and symbol of a short code; length 0 where there is none.
    quick: [(u8, u8); 1 << QUICK],
}

impl Table {
    /// From the number of codes of each length and their symbols; `None` if these are no code.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Option<Table> {
        let mut table =
            Table { symbols: symbols.into(), ends: [0; 17], offsets: [0; 17], quick: [(0, 0); 1 << QUICK] };
        let (mut code, mut index) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(counts) {
            table.offsets[length as usize] = index as i32 - code as i32;
            for _ in 0..count {
                if length <= QUICK {
                    let first = (code << (QUICK - length)) as usize;
                    let same = table.quick.get_mut(first..first + (1 << (QUICK - length)))?;
                    same.fill((length as u8, symbols[index]));
                }
                code += 1;
                index += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }
}

/// The bits of a scan.
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits that have been read but not used, the next one highest.
    buffer: u32,
    count: u32,
}

impl<'a> Bits<'a> {
    /// From the first byte of a scan.
    pub fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0, buffer: 0, count: 0 }
    }

    /// How many bytes have been read; markers stay unread.
    pub fn position(&self) -> usize {
        self.at
    }

    /// After a marker or the end there are zeros.
    fn fill(&mut self) {
        while self.count <= 24 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), _) | (None, _) => 0,
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.buffer |= u32::from(byte) << (24 - self.count);
            self.count += 8;
        }
    }

    /// The next `n` bits, at most 16.
    pub fn take(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        self.fill();
        let bits = self.buffer >> (32 - n);
        self.skip(n);
        bits
    }

    /// The next `n` bits as a coefficient: the lower half of the numbers are negative.
    pub fn take_signed(&mut self, n: u32) -> i32 {
        let bits = self.take(n) as i32;
        if n > 0 && bits < 1 << (n - 1) { bits - (1 << n) + 1 } else { bits }
    }

    /// The next symbol; `None` if the bits are no code.
    pub fn symbol(&mut self, table: &Table) -> Option<u8> {
        self.fill();
        let (length, symbol) = table.quick[(self.buffer >> (32 - QUICK)) as usize];
        if length > 0 {
            self.skip(length.into());
            return Some(symbol);
        }
        let next = self.buffer >> 16;
        let length = (QUICK + 1..=16).find(|&length| next < table.ends[length as usize])?;
        let index = (next >> (16 - length)) as i32 + table.offsets[length as usize];
        self.skip(length);
        table.symbols.get(usize::try_from(index).ok()?).copied()
    }

    fn skip(&mut self, n: u32) {
        self.buffer <<= n;
        self.count -= n;
    }

    /// Goes on after a restart marker; `None` if there is none.
    pub fn restart(&mut self) -> Option<()> {
        (self.buffer, self.count) = (0, 0);
        while self.bytes.get(self.at) == Some(&0xff) && self.bytes.get(self.at + 1) == Some(&0xff) {
            self.at += 1;
        }
        match self.bytes.get(self.at..self.at + 2)? {
            [0xff, 0xd0..=0xd7] => {
                self.at += 2;
                Some(())
            }
            _ => None,
        }
    }
}
