//! Products on AMX: tiles of 16 rows × 64 bytes, 16 of which one instruction multiplies with a panel.
//!
//! Rust's intrinsics for tiles are not stable, so instructions are written out. They name their registers:
//! tiles 0 to 3 hold the sums of 32 rows × 2 panels, 4 and 5 the rows, 6 and 7 the panels.

use super::packed::{Line, PANEL};
use super::rows::{ROWS, Rows};
use super::{Epilogue, Job, Reading};
use crate::{MatrixMut, Simd, Task};
use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Rows of a tile, and lines of a panel that one instruction takes.
const SIDE: usize = 16;
/// Bytes of a row of a tile.
const WIDTH: usize = 64;
/// Rows whose copies stay near.
const STRETCH: usize = 128;

/// Whether the machine has 8-bit tiles and the system lets this process use them. Asks for the permission.
pub fn is_there() -> bool {
    // Bits of CPUID 7: AMX-TILE and AMX-INT8. CPUID 1: the system has turned on XSAVE.
    let has = |bits: u32, wanted: u32| bits & wanted == wanted;
    let known = __cpuid(0).eax >= 7
        && has(__cpuid_count(7, 0).edx, 1 << 24 | 1 << 25)
        && has(__cpuid(1).ecx, 1 << 26 | 1 << 27);
    // SAFETY: XSAVE is on.
    known && unsafe { enabled_registers() } & 0x6_0000 == 0x6_0000 && permitted()
}

/// # Safety
/// The system must have turned on XSAVE.
#[target_feature(enable = "xsave")]
unsafe fn enabled_registers() -> u64 {
    // SAFETY: the caller's promise.
    unsafe { _xgetbv(0) }
}

/// Linux gives the large registers only to processes that ask for them.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let mut result = ARCH_PRCTL;
    // SAFETY: the call reads no memory of ours and changes nothing but what this process may use.
    unsafe {
        asm!(
            "syscall",
            inout("rax") result,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// The shapes of the tiles: all of them full.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// Turns the tiles on for as long as it lives.
struct Tiles;

impl Tiles {
    /// # Safety
    /// [`is_there`] must have said so.
    unsafe fn on() -> Tiles {
        let mut config =
            Config { palette: 1, start_row: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        config.bytes[..8].fill(WIDTH as u16);
        config.rows[..8].fill(SIDE as u8);
        // SAFETY: the caller's promise; the configuration is one that the palette allows.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &config, options(nostack, readonly)) };
        Tiles
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles are on.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// The sums of 32 rows × 2 panels: tile after tile, in the order of their registers.
#[repr(C, align(64))]
struct TileSums([[[i32; PANEL]; SIDE]; 4]);

/// 2 × 16 rows times 2 panels.
///
/// # Safety
/// Tiles must be on. At each of the two `rows`, 16 rows must be readable, `stride` bytes apart, for `steps`
/// times 64 bytes; at each of the `panels`, `steps` times 16 lines.
#[inline(always)]
unsafe fn multiply(
    rows: [*const u8; 2],
    stride: usize,
    panels: [*const Line; 2],
    steps: usize,
    to: *mut TileSums,
) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        for step in 0..steps {
            asm!(
                "tileloadd tmm4, [{a} + {stride} * 1]",
                "tileloadd tmm6, [{b} + {line} * 1]",
                "tileloadd tmm5, [{c} + {stride} * 1]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{d} + {line} * 1]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm1, tmm4, tmm7",
                "tdpbusd tmm3, tmm5, tmm7",
                a = in(reg) rows[0].add(step * WIDTH),
                c = in(reg) rows[1].add(step * WIDTH),
                b = in(reg) panels[0].add(step * SIDE),
                d = in(reg) panels[1].add(step * SIDE),
                stride = in(reg) stride,
                line = in(reg) size_of::<Line>(),
                options(nostack, readonly),
            );
        }
        asm!(
            "tilestored [{to} + {line} * 1], tmm0",
            "tilestored [{to} + {line} * 1 + 1024], tmm1",
            "tilestored [{to} + {line} * 1 + 2048], tmm2",
            "tilestored [{to} + {line} * 1 + 3072], tmm3",
            to = in(reg) to,
            line = in(reg) 4 * PANEL,
            options(nostack),
        );
    }
}

/// Whether tiles are worth turning on for a product of those sizes.
pub fn pays(rows: usize, cols: usize, depth: usize) -> bool {
    rows >= SIDE && cols >= 2 * PANEL && depth >= WIDTH
}

/// The block `out` of a product, as [`gemm_i8`](super::gemm_i8) has checked it. Only where [`is_there`] says
/// so.
pub struct Gemm<'a, 'b, E: Epilogue> {
    /// The product.
    pub job: &'a Job<'b>,
    /// What becomes of the sums.
    pub epilogue: &'a E,
    /// Where they go.
    pub out: MatrixMut<'a, E::Out>,
}

impl<E: Epilogue> Task for Gemm<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if S::LANES != PANEL {
            unreachable!("machines with tiles have vectors of 16 lanes");
        }
        let Gemm { job, epilogue, out } = self;
        let reading = Reading::new::<S>(job.signed, job.zero);
        let zero = reading.zero;
        let (rhs, all, cols) = (job.rhs, out.rows(), out.cols());
        let steps = rhs.depth().div_ceil(SIDE);
        // Rows that lie a power of two apart would fight for the same places of the cache.
        let stride = steps * WIDTH + if steps % 16 == 0 { WIDTH } else { 0 };
        let start = (0..rhs.padded_cols()).map(|col| {
            let bias = job.bias.map_or(0, |bias| bias[col]);
            bias.wrapping_sub(zero.wrapping_mul(rhs.sums()[col]))
        });
        let mut rows = Rows::new(job.lhs, [rhs.taps(), rhs.width()], reading);
        let mut part = Part {
            job,
            epilogue,
            out,
            steps,
            stride,
            start: start.collect(),
            sums: Vec::new(),
            copies: vec![0; STRETCH.min(all.len().next_multiple_of(SIDE)) * stride],
            first: 0,
        };
        // SAFETY: whoever made this job knows that there are tiles.
        let _tiles = unsafe { Tiles::on() };
        for first in all.clone().step_by(STRETCH) {
            let stretch = first..(first + STRETCH).min(all.end);
            part.take(&mut rows, stretch.clone(), zero);
            for panel in (cols.start / PANEL..cols.end.div_ceil(PANEL)).step_by(2) {
                for at in (0..stretch.len()).step_by(2 * SIDE) {
                    // SAFETY: tiles are on, and the rows were copied.
                    unsafe { part.tiles(s, panel, at..stretch.len().min(at + 2 * SIDE)) };
                }
            }
        }
    }
}

/// A stretch of rows.
struct Part<'a, 'b, E: Epilogue> {
    job: &'a Job<'b>,
    epilogue: &'a E,
    out: MatrixMut<'a, E::Out>,
    /// How many times 64 bytes deep the product is.
    steps: usize,
    /// The rows, copied, and how far apart they lie.
    copies: Vec<u8>,
    stride: usize,
    /// `bias - a_zero * Σ b`.
    start: Vec<i32>,
    /// Σ (a - a_zero) of each row, where some column has a zero point.
    sums: Vec<i32>,
    /// The first row.
    first: usize,
}

impl<E: Epilogue> Part<'_, '_, E> {
    /// Copies a stretch of rows.
    fn take(&mut self, rows: &mut Rows<'_>, stretch: Range<usize>, zero: i32) {
        let rhs = self.job.rhs;
        self.first = stretch.start;
        self.sums.clear();
        if !rhs.zeros().is_empty() {
            let zeros = zero.wrapping_mul((rhs.taps() * rhs.width()) as i32);
            self.sums.extend(stretch.clone().map(|row| rows.sum(row).wrapping_sub(zeros)));
        }
        let width = 4 * rhs.quads();
        let blocks = rows.point_to(stretch.clone());
        for (row, copy) in self.copies.chunks_exact_mut(self.stride.max(1)).enumerate().take(stretch.len()) {
            let taps = blocks[row / ROWS * rhs.taps()..][..rhs.taps()].iter();
            for (to, block) in copy.chunks_exact_mut(width.max(1)).zip(taps) {
                // SAFETY: rows can be read in whole quads.
                unsafe { std::ptr::copy_nonoverlapping(block[row % ROWS], to.as_mut_ptr(), to.len()) };
            }
        }
    }

    /// Up to 32 rows, counted from the stretch's first, × 2 panels.
    ///
    /// # Safety
    /// Tiles must be on, and the rows copied.
    #[inline(always)]
    unsafe fn tiles<S: Simd>(&mut self, s: S, panel: usize, rows: Range<usize>) {
        let (job, cols) = (self.job, self.out.cols());
        let both = (panel + 1) * PANEL < cols.end;
        let mut sums = MaybeUninit::<TileSums>::uninit();
        // SAFETY: the caller's promise; behind the last panel there are lines enough for a whole step.
        let sums = unsafe {
            let row = |row: usize| self.copies.as_ptr().add(row * self.stride);
            let lines = |panel: usize| job.rhs.lines().as_ptr().add(panel * job.rhs.depth());
            let rows = [row(rows.start), row(if rows.len() > SIDE { rows.start + SIDE } else { rows.start })];
            let panels = [lines(panel), lines(panel + usize::from(both))];
            multiply(rows, self.stride, panels, self.steps, sums.as_mut_ptr());
            sums.assume_init_ref()
        };
        let from = panel * PANEL;
        let room = (cols.end - from).min(2 * PANEL);
        for row in rows.clone() {
            let (half, line) = ((row - rows.start) / SIDE, (row - rows.start) % SIDE);
            let to = &mut self.out.row(self.first - self.out.rows().start + row)[from - cols.start..][..room];
            let mut x = [s.splat_i(0); 2];
            // SAFETY: everything by column is there to the end of the last panel, of which there may be one.
            unsafe {
                for (v, x) in x.iter_mut().enumerate().take(if both { 2 } else { 1 }) {
                    let col = from + v * PANEL;
                    *x = s.add_i(
                        s.load_i(&sums.0[2 * half + v][line]),
                        s.load_i_at(self.start.as_ptr().add(col)),
                    );
                    if !self.sums.is_empty() {
                        let zeros = s.load_i_at(job.rhs.zeros().as_ptr().add(col));
                        *x = s.sub_i(*x, s.mul_i(zeros, s.splat_i(self.sums[row])));
                    }
                }
                if room == 2 * PANEL {
                    self.epilogue.finish_all(s, &x, from, to);
                } else {
                    for (v, to) in to.chunks_mut(PANEL).enumerate() {
                        self.epilogue.finish(s, x[v], from + v * PANEL, to);
                    }
                }
            }
        }
    }
}
