//! Depth: the longest path from a leaf to a node, counted in elements.

use crate::graph::{Expr, Kind, index};

impl Expr<'_> {
    /// The number of primitive operations on the longest path from a leaf to this node.
    ///
    /// # Panics
    /// When the node was removed.
    ///
    /// # Reference
    /// Bengio (2009), Learning Deep Architectures for AI, section 1.1, doi:10.1561/2200000006.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// let (x, a, b) = (graph.input("x"), graph.input("a"), graph.input("b"));
    /// assert_eq!((x * (a * x + b).sin()).depth(), 4);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn depth(self) -> usize {
        let _present = self.kind();
        let arena = self.graph().arena();
        let mut depths = vec![0; arena.bound()];
        for key in arena.needed(&[self.key()]) {
            if let Kind::Apply(_) = arena.kind(key) {
                let deepest = arena.operands(key).iter().map(|&operand| depths[index(operand)]).max();
                depths[index(key)] = 1 + deepest.unwrap_or(0);
            }
        }
        depths[index(self.key())]
    }
}
