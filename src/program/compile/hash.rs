//! Hashes of structure: what is alike is found by them, and compared in full afterwards.

/// Takes a number into a hash.
pub(super) fn mix(hash: u64, number: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// The better half of a hash.
pub(super) fn high(hash: u64) -> u32 {
    u32::try_from(hash >> 32).expect("32 bits")
}
