//! The coefficients of a scan, sequential or progressive.

use super::entropy::{Bits, Table, ZIGZAG};
use super::{Decoder, NO_PICTURE, Parsed};

/// What a scan says of itself.
struct Scan<'a> {
    /// The first and last coefficient that it holds, in coded order.
    first: usize,
    last: usize,
    /// The bit that was coded before (0: none), and the one that is coded now.
    high: u32,
    low: u32,
    progressive: bool,
    dc: [Option<&'a Table>; 4],
    ac: [Option<&'a Table>; 4],
    /// Blocks that hold nothing more.
    end_run: u32,
    /// The last DC coefficient of each component.
    predictions: [i32; 4],
}

impl Decoder {
    /// Reads the scan behind a header and returns how many bytes it took.
    pub(super) fn scan(&mut self, header: &[u8], bytes: &[u8]) -> Parsed<usize> {
        let Decoder { frame, dc_tables, ac_tables, restart_interval, .. } = self;
        let frame = frame.as_mut().ok_or(NO_PICTURE)?;
        let count = usize::from(*header.first().ok_or(NO_PICTURE)?);
        let specs = header.get(1..1 + 2 * count).ok_or(NO_PICTURE)?;
        let &[first, last, bits] = header.get(1 + 2 * count..4 + 2 * count).ok_or(NO_PICTURE)? else {
            return Err(NO_PICTURE);
        };
        let mut scan = Scan {
            first: first.into(),
            last: last.into(),
            high: (bits >> 4).into(),
            low: (bits & 15).into(),
            progressive: frame.progressive,
            dc: [None; 4],
            ac: [None; 4],
            end_run: 0,
            predictions: [0; 4],
        };
        if !frame.progressive {
            (scan.first, scan.last, scan.high, scan.low) = (0, 63, 0, 0);
        }
        let mut chosen = Vec::new();
        for (i, spec) in specs.chunks(2).enumerate() {
            let at = frame.components.iter().position(|c| c.id == spec[0]).ok_or(NO_PICTURE)?;
            if i > 3 || chosen.contains(&at) {
                return Err(NO_PICTURE);
            }
            scan.dc[i] = dc_tables.get(usize::from(spec[1] >> 4)).and_then(Option::as_ref);
            scan.ac[i] = ac_tables.get(usize::from(spec[1] & 15)).and_then(Option::as_ref);
            chosen.push(at);
        }
        let ac_of_one = scan.first > 0 && chosen.len() == 1 || scan.first == 0 && scan.last == 0;
        let fits = scan.first <= scan.last && scan.last < 64 && scan.low < 14;
        if chosen.is_empty() || !fits || frame.progressive && !ac_of_one {
            return Err(NO_PICTURE);
        }

        let mut reader = Bits::new(bytes);
        let single = chosen.len() == 1;
        // One component alone comes block by block, without padding.
        let units = match single {
            true => {
                let c = &frame.components[chosen[0]];
                (c.width.div_ceil(8), c.height.div_ceil(8))
            }
            false => frame.mcus,
        };
        for unit in 0..units.0 * units.1 {
            if *restart_interval > 0 && unit > 0 && unit % *restart_interval == 0 {
                reader.restart().ok_or(NO_PICTURE)?;
                (scan.end_run, scan.predictions) = (0, [0; 4]);
            }
            let (x, y) = (unit % units.0, unit / units.0);
            for (i, &at) in chosen.iter().enumerate() {
                let c = &mut frame.components[at];
                let (h, v) = if single { (1, 1) } else { (c.h, c.v) };
                for b in 0..h * v {
                    let block = (y * v + b / h) * c.blocks + x * h + b % h;
                    let block = &mut c.coefficients[block * 64..][..64];
                    scan.block(&mut reader, block, i).ok_or(NO_PICTURE)?;
                }
            }
        }
        Ok(reader.position())
    }
}

impl Scan<'_> {
    fn block(&mut self, bits: &mut Bits<'_>, block: &mut [i16], i: usize) -> Option<()> {
        let mut k = self.first;
        if k == 0 {
            self.dc(bits, &mut block[0], i)?;
            k = 1;
        }
        match (self.last, self.high) {
            (0, _) => Some(()),
            (_, 0) => self.ac(bits, block, k, self.ac[i]?),
            _ => self.refine_ac(bits, block, k, self.ac[i]?),
        }
    }

    fn dc(&mut self, bits: &mut Bits<'_>, coefficient: &mut i16, i: usize) -> Option<()> {
        if self.high > 0 {
            *coefficient |= (bits.take(1) << self.low) as i16;
            return Some(());
        }
        let length = bits.symbol(self.dc[i]?)?;
        if length > 15 {
            return None;
        }
        self.predictions[i] = self.predictions[i].wrapping_add(bits.take_signed(length.into()));
        *coefficient = (self.predictions[i] << self.low) as i16;
        Some(())
    }

    fn ac(&mut self, bits: &mut Bits<'_>, block: &mut [i16], mut k: usize, table: &Table) -> Option<()> {
        if self.end_run > 0 {
            self.end_run -= 1;
            return Some(());
        }
        while k <= self.last {
            let symbol = bits.symbol(table)?;
            let (run, length) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            match (length, run) {
                (0, 15) => k += 16,
                (0, run) => {
                    if self.progressive {
                        self.end_run = (1 << run) + bits.take(run) - 1;
                    }
                    break;
                }
                _ => {
                    k += run as usize;
                    let place = *ZIGZAG.get(k).filter(|_| k <= self.last)?;
                    block[place] = (bits.take_signed(length) << self.low) as i16;
                    k += 1;
                }
            }
        }
        Some(())
    }

    /// One more bit of coefficients that are not zero, and new ones of that bit between them.
    fn refine_ac(
        &mut self,
        bits: &mut Bits<'_>,
        block: &mut [i16],
        mut k: usize,
        table: &Table,
    ) -> Option<()> {
        let one = 1i16 << self.low;
        let refine = |bits: &mut Bits<'_>, x: &mut i16| {
            if bits.take(1) == 1 && *x & one == 0 {
                *x = x.wrapping_add(if *x > 0 { one } else { -one });
            }
        };
        while self.end_run == 0 && k <= self.last {
            let symbol = bits.symbol(table)?;
            let (mut zeros, length) = (u32::from(symbol >> 4), symbol & 15);
            let new = match length {
                0 if zeros < 15 => {
                    self.end_run = (1 << zeros) + bits.take(zeros);
                    break;
                }
                0 => 0,
                1 if bits.take(1) == 1 => one,
                1 => -one,
                _ => return None,
            };
            // Over as many zeros as the run says; what is not zero on the way is refined.
            while k <= self.last {
                let x = &mut block[ZIGZAG[k]];
                if *x != 0 {
                    refine(bits, x);
                } else if zeros == 0 {
                    *x = new;
                    k += 1;
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
        }
        if self.end_run > 0 {
            for &place in &ZIGZAG[k.min(64)..=self.last] {
                if block[place] != 0 {
                    refine(bits, &mut block[place]);
                }
            }
            self.end_run -= 1;
        }
        Some(())
    }
}
