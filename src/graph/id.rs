//! The identity of nodes: typed keys that outlive the borrow of the graph.

use std::sync::atomic::{AtomicU32, Ordering};

use slotmap::{Key, new_key_type};

new_key_type! {
    /// A place in one arena: an index and the version that notices a removal.
    pub(crate) struct NodeKey;
}

/// Tells one graph from every other of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GraphId(u32);

impl GraphId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The identity of one node of one graph.
///
/// It borrows nothing, so that it can be stored, and it is never mistaken: where a node of another graph or one that
/// was removed is looked up, the answer is an error. Identities carry no order.
///
/// ```
/// let graph = dagrad::Graph::new();
/// let x = graph.input("x");
/// let id = x.id();
/// assert_eq!(graph.expr(id)?.name().as_deref(), Some("x"));
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId {
    pub(crate) graph: GraphId,
    pub(crate) key: NodeKey,
}

/// The index half of a key, from 0: dense, but reused after a removal.
pub(crate) fn index(key: NodeKey) -> usize {
    (key.data().as_ffi() & 0xffff_ffff) as usize - 1
}
