//! Threads: neighbours of a list go to one thread, with a block of its own.

/// Runs up to `count` neighbouring items at a time, and tells the place of the first; there are blocks for all of them.
///
/// A thread goes on with the block that it has in its cache. The one that calls begins before others are awake.
pub(super) fn share<T: Send, B: Send>(
    items: &mut [T],
    count: usize,
    blocks: &mut [B],
    run: impl Fn(usize, &mut [T], &mut B) + Sync,
) {
    let mut of_threads = items.chunks_mut(count).zip(blocks).enumerate();
    let own = of_threads.next();
    let run = &run;
    rayon::in_place_scope(|scope| {
        for (number, (items, block)) in of_threads {
            scope.spawn(move |_| run(number * count, items, block));
        }
        if let Some((_, (items, block))) = own {
            run(0, items, block);
        }
    });
}
