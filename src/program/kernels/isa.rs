//! The instruction sets, and how a kernel is run with one of them.

use super::script::{Function, Line, Memory};

/// An instruction set that this processor has.
///
/// There is no way to make one that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

const SETS: &[Set] = &[
    Set::Portable,
    #[cfg(target_arch = "x86_64")]
    Set::Avx2,
    #[cfg(target_arch = "x86_64")]
    Set::Avx512,
];

/// The proof that plain Rust will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable(());

/// The proof that the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

/// The proof that the processor has AVX-512 F, DQ, VL and BW.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

/// A computation that is compiled once for each instruction set.
pub(super) trait Kernel {
    /// What it gives.
    type Output;

    /// The computation; `#[inline(always)]`, so that it becomes part of a function with the instruction set enabled.
    fn run<S: super::vector::Simd>(self, simd: S) -> Self::Output;
}

/// A step of a script, compiled once for each instruction set.
pub(super) trait Instruction {
    /// The step; `#[inline(always)]`, as in [`Kernel`].
    ///
    /// # Safety
    /// The places of the line lie in memory.
    unsafe fn run<S: super::vector::Simd>(simd: S, line: &Line, memory: &Memory);
}

impl Set {
    fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
            }
        }
    }
}

impl Isa {
    /// The widest one; the standard library remembers what the processor answered.
    #[must_use]
    pub(crate) fn detect() -> Self {
        Self::supported().last().expect("the portable one is always there")
    }

    /// Every one, from the narrowest to the widest.
    pub(crate) fn supported() -> impl Iterator<Item = Self> {
        SETS.iter().copied().filter(|set| set.available()).map(Self)
    }

    /// The set for rows of `count` numbers: no wider than they are.
    ///
    /// A store of part of a register can be read at once only by a load of the same part.
    #[inline]
    pub(super) fn for_rows_of(self, count: usize) -> Self {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 if count <= 4 => Self(Set::Avx2),
            _ => self,
        }
    }

    /// Runs a kernel.
    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Set::Portable => portable(kernel),
            // SAFETY: an `Isa` is made by `supported` alone, of sets that the processor has.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512(kernel) },
        }
    }
}

impl Isa {
    /// The function of an instruction.
    pub(super) fn function<I: Instruction>(self) -> Function {
        match self.0 {
            Set::Portable => portable_line::<I>,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => avx2_line::<I>,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => avx512_line::<I>,
        }
    }
}

unsafe fn portable_line<I: Instruction>(line: &Line, memory: &Memory) {
    // SAFETY: as the caller promises.
    unsafe { I::run(Portable(()), line, memory) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_line<I: Instruction>(line: &Line, memory: &Memory) {
    // SAFETY: as the caller promises.
    unsafe { I::run(Avx2(()), line, memory) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
unsafe fn avx512_line<I: Instruction>(line: &Line, memory: &Memory) {
    // SAFETY: as the caller promises.
    unsafe { I::run(Avx512(()), line, memory) }
}

#[inline(never)]
fn portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Portable(()))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}
