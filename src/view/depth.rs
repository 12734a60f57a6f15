//! Depth: the longest path from a leaf to a node, counted in elements; and what goes with it.

use super::{ElementId, View};
use crate::graph::{Expr, Kind, index};

impl Expr<'_> {
    /// The number of primitive operations on the longest path from a leaf to this node.
    ///
    /// [`Graph::view`](crate::Graph::view) counts in other elements.
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

impl View {
    /// The level of each element, in the order of [`elements`](View::elements): the number of elements on the longest
    /// path that ends in it. Leaves are on level 0.
    ///
    /// Takes time and memory proportional to the number of edges.
    #[must_use]
    pub fn levels(&self) -> Vec<usize> {
        let mut levels = vec![0; self.elements.len()];
        for (number, element) in self.elements.iter().enumerate() {
            if !element.role.is_leaf() {
                let deepest = self.operands_of(number).iter().map(|&operand| levels[operand as usize]).max();
                levels[number] = 1 + deepest.unwrap_or(0);
            }
        }
        levels
    }

    /// The depth of the view: the longest path from a leaf to an output, in elements.
    ///
    /// Once groups are elements, two numbers may be called depth. This one is the depth of the graph of elements, in
    /// which an edge leads from one group to another when *some* node of the one uses *some* node of the other. The
    /// other, [`path_depth`](View::path_depth), counts the elements along a path of nodes. The depth of the view is at
    /// least as great: every path of nodes is a path of elements, and not the other way round.
    #[must_use]
    pub fn depth(&self) -> usize {
        let levels = self.levels();
        self.outputs.iter().map(|&output| levels[output as usize]).max().unwrap_or(0)
    }

    /// The greatest number of elements that one path of nodes passes, from a leaf to an output.
    ///
    /// At most [`depth`](View::depth), and equal to it for primitives.
    ///
    /// ```
    /// use dagrad::{ElementSet, Graph};
    /// let graph = Graph::new();
    /// let x = graph.inputs("x", 2);
    /// // Two functions side by side in each group: none uses what the other group's first function gives.
    /// let (a, b) = graph.group("pair 0", || (x[0].exp(), x[1].exp()));
    /// let c = graph.group("pair 1", || (a.sin(), x[1].cos())).1;
    /// let view = graph.view(&[b, c, a], &ElementSet::groups(["pair"]))?;
    /// assert!(view.path_depth() <= view.depth());
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn path_depth(&self) -> usize {
        self.path_depth
    }

    /// How many elements there are on each level, from level 1 on.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let levels = self.levels();
        let mut widths = vec![0; levels.iter().copied().max().unwrap_or(0)];
        levels.into_iter().filter(|&level| level > 0).for_each(|level| widths[level - 1] += 1);
        widths
    }

    /// A longest path from a leaf to an output, in order of evaluation; of several, the one that is created first.
    #[must_use]
    pub fn critical_path(&self) -> Vec<ElementId> {
        let levels = self.levels();
        let deepest = |places: &[u32]| {
            let level = places.iter().map(|&place| levels[place as usize]).max()?;
            places.iter().copied().filter(|&place| levels[place as usize] == level).min()
        };
        let last = deepest(&self.outputs);
        let mut path: Vec<ElementId> = std::iter::successors(last, |&place| deepest(self.operands_of(place as usize)))
            .map(ElementId::from)
            .collect();
        path.reverse();
        path
    }

    /// The elements that are used more than once, with the number of their uses, in order of evaluation; leaves apart.
    #[must_use]
    pub fn shared(&self) -> Vec<(ElementId, usize)> {
        let uses = (0..self.elements.len()).map(|number| (number, self.users_of(number).len()));
        uses.filter(|&(number, uses)| uses > 1 && !self.elements[number].role.is_leaf())
            .map(|(number, uses)| (ElementId::new(number), uses))
            .collect()
    }
}
