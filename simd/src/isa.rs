//! Which instructions this machine has, and which of them are used.

use std::cell::Cell;
use std::sync::OnceLock;

/// What [`Isa::current`] is: found out or chosen once.
static CURRENT: OnceLock<Isa> = OnceLock::new();

thread_local! {
    static PLAINLY: Cell<bool> = const { Cell::new(false) };
}

/// A set of instructions that kernels are compiled for, plainest first on each architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the architectures' own")]
pub enum Isa {
    /// No vectors: what every other one is compared with.
    Scalar,
    Avx2,
    /// AVX2 with VPDPBUSD on 256 bits.
    AvxVnni,
    Avx512,
    /// AVX-512 with VPDPBUSD.
    Avx512Vnni,
    /// AVX-512-VNNI, and tiles of 8-bit integers.
    Amx,
    Neon,
    /// NEON with dot products of 8-bit integers.
    NeonDot,
    /// NEON with products of 8-bit matrices, mixed signs included.
    NeonI8mm,
    /// WebAssembly's 128-bit vectors.
    Simd128,
    /// [`Isa::Simd128`] with relaxed instructions.
    Relaxed,
    /// [`Isa::Relaxed`] in an engine whose relaxed dot product is exact for u8 by i8 where no two neighboring
    /// products, added, pass 16 bits.
    RelaxedPairs,
    /// [`Isa::Relaxed`] in an engine whose relaxed dot product is exact for i8 by i8.
    RelaxedSigned,
    /// [`Isa::Relaxed`] in an engine whose relaxed dot product is exact for u8 by i8.
    RelaxedUnsigned,
}

impl Isa {
    /// Every one, plainest first.
    pub const ALL: [Isa; 14] = [
        Isa::Scalar,
        Isa::Avx2,
        Isa::AvxVnni,
        Isa::Avx512,
        Isa::Avx512Vnni,
        Isa::Amx,
        Isa::Neon,
        Isa::NeonDot,
        Isa::NeonI8mm,
        Isa::Simd128,
        Isa::Relaxed,
        Isa::RelaxedPairs,
        Isa::RelaxedSigned,
        Isa::RelaxedUnsigned,
    ];

    /// The name that `EDGEWISE_ISA` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::AvxVnni => "avx-vnni",
            Isa::Avx512 => "avx512",
            Isa::Avx512Vnni => "avx512-vnni",
            Isa::Amx => "amx",
            Isa::Neon => "neon",
            Isa::NeonDot => "neon-dot",
            Isa::NeonI8mm => "neon-i8mm",
            Isa::Simd128 => "simd128",
            Isa::Relaxed => "relaxed",
            Isa::RelaxedPairs => "relaxed-pairs",
            Isa::RelaxedSigned => "relaxed-signed",
            Isa::RelaxedUnsigned => "relaxed-unsigned",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Isa> {
        Isa::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Those that this machine (and this build) can run, plainest first.
    pub fn supported() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_supported())
    }

    /// The one that kernels use: the last supported one, or the one that `EDGEWISE_ISA` names if the machine
    /// has it. Found out once.
    pub fn current() -> Isa {
        if PLAINLY.get() {
            return Isa::Scalar;
        }
        *CURRENT.get_or_init(|| Isa::asked().ok().flatten().unwrap_or_else(Isa::best))
    }

    /// Runs something for which [`Isa::current`] is [`Isa::Scalar`], as far as this thread does it: what it
    /// computes is then the same on every machine.
    pub fn plainly<T>(run: impl FnOnce() -> T) -> T {
        /// Puts back what was, also when `run` panics.
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                PLAINLY.set(self.0);
            }
        }
        let _restore = Restore(PLAINLY.replace(true));
        run()
    }

    /// The last supported one.
    pub fn best() -> Isa {
        Isa::supported().last().unwrap_or(Isa::Scalar)
    }

    /// What `EDGEWISE_ISA` asks for. An error says why it cannot be had; [`Isa::current`] falls back then.
    pub fn asked() -> Result<Option<Isa>, String> {
        let Ok(name) = std::env::var("EDGEWISE_ISA") else { return Ok(None) };
        Isa::supported_of_name(&name).map(Some).map_err(|why| format!("EDGEWISE_ISA: {why}"))
    }

    /// Makes [`Isa::current`] the one of that name, where there is no environment to say it in. An error says
    /// why it cannot be had; among the reasons is that kernels have used another one.
    pub fn choose(name: &str) -> Result<Isa, String> {
        let isa = Isa::supported_of_name(name)?;
        match *CURRENT.get_or_init(|| isa) {
            current if current == isa => Ok(isa),
            current => Err(format!("{name} must be chosen before {} is used", current.name())),
        }
    }

    /// Whether weights had better be packed so that neighboring products can be added in 16 bits. Without
    /// VNNI, AVX2 and AVX-512 take fewer instructions for it, but as many multiplications, and no less time.
    pub(crate) fn wants_bounded(self) -> bool {
        self == Isa::RelaxedPairs
    }

    fn supported_of_name(name: &str) -> Result<Isa, String> {
        match Isa::named(name) {
            Some(isa) if isa.is_supported() => Ok(isa),
            Some(_) => Err(format!("this machine does not have {name}; {} runs", Isa::best().name())),
            None => {
                let names = Isa::ALL.map(Isa::name).join(", ");
                Err(format!("no instruction set is called '{name}'; there are {names}"))
            }
        }
    }

    /// Whether this machine (and this build) can run it.
    pub fn is_supported(self) -> bool {
        self == Isa::Scalar || self.has_features()
    }

    #[cfg(target_arch = "x86_64")]
    fn has_features(self) -> bool {
        macro_rules! all {
            ($($feature:tt)*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
        }
        let avx2 = || all!("avx2" "fma" "f16c");
        let avx512 = || avx2() && all!("avx512f" "avx512bw" "avx512dq" "avx512vl");
        match self {
            Isa::Avx2 => avx2(),
            Isa::AvxVnni => avx2() && all!("avxvnni"),
            Isa::Avx512 => avx512(),
            Isa::Avx512Vnni => avx512() && all!("avx512vnni"),
            Isa::Amx => {
                static AMX: OnceLock<bool> = OnceLock::new();
                Isa::Avx512Vnni.is_supported() && *AMX.get_or_init(crate::gemm_i8::has_amx)
            }
            _ => false,
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn has_features(self) -> bool {
        macro_rules! all {
            ($($feature:tt)*) => { $(std::arch::is_aarch64_feature_detected!($feature))&&* };
        }
        match self {
            Isa::Neon => all!("neon"),
            Isa::NeonDot => all!("neon" "dotprod"),
            Isa::NeonI8mm => all!("neon" "dotprod" "i8mm"),
            _ => false,
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn has_features(self) -> bool {
        match self {
            Isa::Simd128 => cfg!(target_feature = "simd128"),
            Isa::Relaxed => cfg!(target_feature = "relaxed-simd"),
            #[cfg(target_feature = "relaxed-simd")]
            Isa::RelaxedPairs | Isa::RelaxedSigned | Isa::RelaxedUnsigned => {
                static EXACT: OnceLock<Option<Isa>> = OnceLock::new();
                *EXACT.get_or_init(crate::vector::wasm::exact_dot) == Some(self)
            }
            _ => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32")))]
    fn has_features(self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plainly_is_scalar_and_ends() {
        let before = Isa::current();
        assert_eq!(Isa::plainly(|| Isa::plainly(Isa::current)), Isa::Scalar);
        assert_eq!(Isa::current(), before);
    }

    #[test]
    fn names_lead_back_to_their_sets() {
        for isa in Isa::ALL {
            assert_eq!(Isa::named(isa.name()), Some(isa));
        }
        assert_eq!(Isa::named("mmx"), None);
    }

    #[test]
    fn only_what_is_there_can_be_chosen() {
        let current = Isa::current();
        assert_eq!(Isa::choose(current.name()), Ok(current));
        let other = Isa::supported().find(|isa| *isa != current).map(|isa| Isa::choose(isa.name()));
        let absent = Isa::ALL.into_iter().find(|isa| !isa.is_supported());
        let refused = [other, absent.map(|isa| Isa::choose(isa.name())), Some(Isa::choose("mmx"))];
        for (choice, word) in refused.into_iter().zip(["before", "does not have", "is called"]) {
            // Of a machine with nothing but scalars there is no other.
            let Some(choice) = choice else { continue };
            assert!(choice.as_ref().is_err_and(|why| why.contains(word)), "{choice:?}");
        }
    }

    #[test]
    fn the_scalar_path_is_always_there() {
        assert_eq!(Isa::supported().next(), Some(Isa::Scalar));
        assert!(Isa::best().is_supported() && Isa::current().is_supported());
    }
}
