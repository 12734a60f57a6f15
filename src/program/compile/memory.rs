//! Memory: what a pass frees, the next one takes.
//!
//! The allocator of glibc asks the system for every large block, and gives it back as soon as it is freed. The system
//! then hands out each page anew, which takes longer than what most passes compute there. Blocks of a size are kept as
//! soon as one of that size was freed, up to 32 MB (`M_MMAP_THRESHOLD` in `mallopt(3)`), and of what was kept the last
//! 64 MB.

use std::hint::black_box;
use std::sync::Once;

/// From how many nodes on the blocks of a graph are large.
const LARGE: usize = 1 << 12;
/// The largest block that is kept, with its header.
const LARGEST_KEPT: usize = (32 << 20) - (8 << 10);

/// Frees a large block once, of which no page was touched, before a graph of so many nodes is compiled.
pub(super) fn keep(nodes: usize) {
    static ONCE: Once = Once::new();
    if nodes >= LARGE {
        ONCE.call_once(|| {
            let mut block = Vec::<u8>::new();
            // Where there is no such block, nothing is kept.
            _ = black_box(block.try_reserve_exact(LARGEST_KEPT));
            drop(black_box(block));
        });
    }
}
