//! What a GPU has to get right before kernels rely on it: asked once, when it is opened, in one launch.
//!
//! Kernels are exact where sums, products, roundings and conversions of ordinary numbers are what IEEE says, quotients
//! are off by a few steps at most, and products of packed bytes are exact. Where a GPU is not so, its kernels do that
//! part by integers: a constant of theirs says so (`common/exact.wgsl`, `common/dot.wgsl`). What a reader would get
//! wrong: this proves nothing of all other numbers. It finds drivers that round in another way, that convert or multiply
//! bytes wrongly, or that lose what their compilers believe to be of no matter.

use crate::driver::{Dispatch, Driver};
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::Memory;

pub static SHADER: Shader = shader!("self_test", 1, 1);

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ability {
    Dots,
    Sums,
    Products,
    Quotients,
    Rounding,
    ToFloat,
    ToInteger,
}

impl Ability {
    /// The constant of kernels that do without it, and its name in `EDGEWISE_GPU_BY_HAND`.
    fn fallback(self) -> (&'static str, &'static str) {
        match self {
            Ability::Dots => ("DOTS_BY_HAND", "dots"),
            Ability::Sums => ("SUMS_BY_HAND", "sums"),
            Ability::Products => ("PRODUCTS_BY_HAND", "products"),
            Ability::Quotients => ("QUOTIENTS_BY_HAND", "quotients"),
            Ability::Rounding => ("ROUNDING_BY_HAND", "rounding"),
            Ability::ToFloat | Ability::ToInteger => ("CONVERSIONS_BY_HAND", "conversions"),
        }
    }

    /// Whether that is an answer for those two words.
    fn accepts(self, a: u32, b: u32, answer: u32) -> bool {
        let (x, y) = (f32::from_bits(a), f32::from_bits(b));
        match self {
            Ability::Dots => {
                let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
                let sum: i32 = products.map(|(a, b)| i32::from(a as i8) * i32::from(b as i8)).sum();
                answer == sum as u32
            }
            Ability::Sums => answer == (x + y).to_bits(),
            Ability::Products => answer == (x * y).to_bits(),
            Ability::Quotients => answer.abs_diff((x / y).to_bits()) <= STEPS,
            Ability::Rounding => answer == x.round_ties_even().to_bits(),
            Ability::ToFloat => answer == (a as i32 as f32).to_bits(),
            Ability::ToInteger => answer == x as i32 as u32,
        }
    }
}

/// How far off a quotient may be.
const STEPS: u32 = 8;

/// A question: what is asked about, and two words.
type Question = (Ability, u32, u32);

/// Numbers that are ordinary, and whose sums and products are: at the borders of rounding, of binades and of size.
const NUMBERS: [f32; 16] = [
    1.0,
    -1.0,
    1.000_000_1,
    0.999_999_94,
    1.5,
    -2.5,
    3.0,
    0.1,
    -0.333_333_34,
    16_777_215.0,
    16_777_213.0,
    8_388_609.0,
    -4_097.0,
    1.192_092_9e-7,
    5.960_465e-8,
    12_345.678,
];

fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for a in [0x7f80_ff01u32, 0x8080_8080, 0x7f7f_7f7f, 0xffff_ffff, 0x0102_0304, 0x80ff_7f00, 0] {
        all.extend([a, a.rotate_left(8), !a, 0x8080_8080, 0x7f7f_7f7f].map(|b| (Ability::Dots, a, b)));
    }
    for a in NUMBERS {
        for b in NUMBERS {
            let (a, b) = (a.to_bits(), b.to_bits());
            all.extend([Ability::Sums, Ability::Products, Ability::Quotients].map(|ability| (ability, a, b)));
        }
    }
    for i in -9i16..9 {
        let half = f32::from(i) / 2.0;
        let near = [half, half * 1.000_000_1, half * 0.999_999_94, half + 254.0, half * 8_388_607.0];
        all.extend(near.map(|x| (Ability::Rounding, x.to_bits(), 0)));
    }
    let integers =
        [0, 1, 2, 3, 127, 255, 256, 4_095, 65_535, 65_537, 8_388_609, 16_777_213, 16_777_215, 16_777_216];
    for n in integers.into_iter().flat_map(|n: i32| [n, -n]) {
        all.push((Ability::ToFloat, n as u32, 0));
        all.push((Ability::ToInteger, (n as f32).to_bits(), 0));
    }
    all
}

/// The constants of kernels that do without what this GPU gets wrong.
pub async fn fallbacks(driver: &dyn Driver) -> Result<Vec<&'static str>> {
    let questions = questions();
    let answers = answers(driver, &questions).await?;
    let wrong =
        |((ability, a, b), answer): (&Question, u32)| (!ability.accepts(*a, *b, answer)).then_some(*ability);
    let failed: Vec<Ability> = questions.iter().zip(answers).filter_map(wrong).collect();
    let asked = std::env::var("EDGEWISE_GPU_BY_HAND").unwrap_or_default();
    let mut constants = Vec::new();
    for ability in ALL {
        let (constant, name) = ability.fallback();
        let by_hand =
            failed.contains(&ability) || asked == "all" || asked.split(',').any(|asked| asked == name);
        if by_hand && !constants.contains(&constant) {
            constants.push(constant);
        }
    }
    Ok(constants)
}

const ALL: [Ability; 7] = [
    Ability::Dots,
    Ability::Sums,
    Ability::Products,
    Ability::Quotients,
    Ability::Rounding,
    Ability::ToFloat,
    Ability::ToInteger,
];

/// What the GPU answers to each.
async fn answers(driver: &dyn Driver, questions: &[Question]) -> Result<Vec<u32>> {
    let variant = Variant::new(&SHADER, &[]);
    let pipelines = driver.pipelines(std::slice::from_ref(&variant)).await?;
    let pipeline = pipelines.first().ok_or_else(|| err!(Internal, "the self-test was not compiled"))?;
    let words: Vec<u32> = questions.iter().flat_map(|&(ability, a, b)| [ability as u32, a, b, 0]).collect();
    let memory = |words: usize| driver.allocate(4 * words as u64, "the self-test");
    let (asked, answered) = (memory(words.len())?, memory(questions.len())?);
    driver.write(&asked, bytemuck::cast_slice(&words))?;
    let count = questions.len() as u32;
    let buffers: Vec<&Memory> = vec![&asked, &answered];
    let groups = [count.div_ceil(64), 1, 1];
    let dispatch = Dispatch { pipeline, variant: &variant, buffers, parameters: &[count, 0, 0, 0], groups };
    let recording = driver.record(&[dispatch])?;
    let check = || Ok(());
    driver.replay(&recording, &check).await?;
    let wanted = [(answered.clone(), 4 * questions.len())];
    let read = driver.read(&wanted, &check).await?.pop().unwrap_or_default();
    Ok(read.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_ordinary_numbers_for_answers() {
        for (ability, a, b) in questions() {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            let answer = match ability {
                Ability::Sums => x + y,
                Ability::Products => x * y,
                Ability::Quotients => x / y,
                _ => continue,
            };
            assert!(answer == 0.0 || answer.is_normal(), "{ability:?} {x} {y}");
        }
    }

    #[test]
    fn wrong_answers_are_seen() {
        let (one, two) = (1f32.to_bits(), 2f32.to_bits());
        assert!(Ability::Sums.accepts(one, one, two) && !Ability::Sums.accepts(one, one, two + 1));
        assert!(Ability::Products.accepts(one, two, two) && !Ability::Products.accepts(one, two, two - 1));
        assert!(Ability::Quotients.accepts(two, one, two + 2) && !Ability::Quotients.accepts(two, one, one));
        assert!(Ability::Rounding.accepts(2.5f32.to_bits(), 0, two));
        assert!(!Ability::Rounding.accepts(2.5f32.to_bits(), 0, 3f32.to_bits()));
        assert!(Ability::Dots.accepts(0x80, 0xff, 128) && !Ability::Dots.accepts(0x80, 0xff, 128 * 255));
        assert!(Ability::ToFloat.accepts(u32::MAX, 0, (-1f32).to_bits()));
        assert!(Ability::ToInteger.accepts((-1f32).to_bits(), 0, u32::MAX));
    }
}
