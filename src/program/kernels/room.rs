//! Room for numbers that a kernel sets aside.

use std::mem::MaybeUninit;

/// Room for `N` numbers that begins with a line of the cache: no register that is stored there is split across two.
#[repr(align(64))]
pub(super) struct Room<const N: usize>(MaybeUninit<[f64; N]>);

impl<const N: usize> Room<N> {
    /// Nothing is written.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Where it begins.
    #[inline(always)]
    pub(super) fn start(&mut self) -> *mut f64 {
        self.0.as_mut_ptr().cast()
    }
}
