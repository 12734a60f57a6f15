//! petgraph's traits on a view, so that its algorithms run on it unchanged.
//!
//! Edges go from an operand to its user. An edge is a user and the place of the operand, so that x·x has two.
//!
//! ```
//! use dagrad::{ElementSet, Graph};
//! use petgraph::algo::{dijkstra, dominators, toposort};
//!
//! let graph = Graph::new();
//! let x = graph.input("x");
//! let square = (x * x).named("square");
//! let y = (square.sin() + square.cos()).named("y");
//! let view = graph.view(&[y], &ElementSet::primitives())?;
//! let id = |node| view.find(node).expect("it is in the view");
//!
//! assert_eq!(toposort(&view, None).expect("no cycle").len(), 5);
//! // Everything from x to y goes through the square.
//! assert_eq!(dominators::simple_fast(&view, id(x)).immediate_dominator(id(y)), Some(id(square)));
//! // Three operations lead from x to y.
//! assert_eq!(dijkstra(&view, id(x), None, |_| 1)[&id(y)], 3);
//! # Ok::<(), dagrad::Error>(())
//! ```

use std::fmt::{Display, Formatter};

use petgraph::visit::{
    Data, EdgeCount, EdgeRef, GraphBase, GraphProp, IntoEdgeReferences, IntoEdges, IntoEdgesDirected, IntoNeighbors,
    IntoNeighborsDirected, IntoNodeIdentifiers, IntoNodeReferences, NodeCompactIndexable, NodeCount, NodeIndexable,
    VisitMap, Visitable,
};
use petgraph::{Directed, Direction};

use super::{Element, View};

/// The identity of an element of a view: its place in the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementId(u32);

impl ElementId {
    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 2³² elements"))
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The place in [`View::elements`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<u32> for ElementId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl Display for ElementId {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One use of an element by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The element that is used.
    pub operand: ElementId,
    /// The one that uses it.
    pub user: ElementId,
    /// At which of its places.
    pub place: u32,
}

impl EdgeRef for Edge {
    type NodeId = ElementId;
    type EdgeId = (ElementId, u32);
    type Weight = u32;

    fn source(&self) -> ElementId {
        self.operand
    }

    fn target(&self) -> ElementId {
        self.user
    }

    fn weight(&self) -> &u32 {
        &self.place
    }

    fn id(&self) -> (ElementId, u32) {
        (self.user, self.place)
    }
}

/// The elements that an algorithm has seen.
#[derive(Clone, Debug)]
pub struct Visited(Vec<bool>);

impl VisitMap<ElementId> for Visited {
    fn visit(&mut self, element: ElementId) -> bool {
        !std::mem::replace(&mut self.0[element.index()], true)
    }

    fn is_visited(&self, element: &ElementId) -> bool {
        self.0[element.index()]
    }

    fn unvisit(&mut self, element: ElementId) -> bool {
        std::mem::replace(&mut self.0[element.index()], false)
    }
}

impl View {
    /// The edges from an element to its users.
    fn edges_out(&self, element: ElementId) -> impl Iterator<Item = Edge> + '_ {
        let users = self.users_of(element.index()).iter();
        users.map(move |&(user, place)| Edge { operand: element, user: user.into(), place })
    }

    /// The edges from the operands of an element to it.
    fn edges_in(&self, element: ElementId) -> impl Iterator<Item = Edge> + '_ {
        let operands = (0..).zip(self.operands_of(element.index()));
        operands.map(move |(place, &operand)| Edge { operand: operand.into(), user: element, place })
    }
}

impl GraphBase for View {
    type EdgeId = (ElementId, u32);
    type NodeId = ElementId;
}

impl Data for View {
    type NodeWeight = Element;
    type EdgeWeight = u32;
}

impl GraphProp for View {
    type EdgeType = Directed;
}

impl NodeCount for View {
    fn node_count(&self) -> usize {
        self.elements.len()
    }
}

impl EdgeCount for View {
    fn edge_count(&self) -> usize {
        self.operands.len()
    }
}

impl NodeIndexable for View {
    fn node_bound(&self) -> usize {
        self.elements.len()
    }

    fn to_index(&self, element: ElementId) -> usize {
        element.index()
    }

    fn from_index(&self, index: usize) -> ElementId {
        ElementId::new(index)
    }
}

impl NodeCompactIndexable for View {}

impl Visitable for View {
    type Map = Visited;

    fn visit_map(&self) -> Visited {
        Visited(vec![false; self.elements.len()])
    }

    fn reset_map(&self, map: &mut Visited) {
        map.0.clear();
        map.0.resize(self.elements.len(), false);
    }
}

/// What petgraph's traits iterate by; a boxed iterator has a name.
type Each<'v, T> = Box<dyn Iterator<Item = T> + 'v>;

impl<'v> IntoNeighbors for &'v View {
    type Neighbors = Each<'v, ElementId>;

    fn neighbors(self, element: ElementId) -> Self::Neighbors {
        Box::new(self.edges_out(element).map(|edge| edge.user))
    }
}

impl<'v> IntoNeighborsDirected for &'v View {
    type NeighborsDirected = Each<'v, ElementId>;

    fn neighbors_directed(self, element: ElementId, direction: Direction) -> Self::NeighborsDirected {
        match direction {
            Direction::Outgoing => self.neighbors(element),
            Direction::Incoming => Box::new(self.edges_in(element).map(|edge| edge.operand)),
        }
    }
}

impl<'v> IntoEdgeReferences for &'v View {
    type EdgeRef = Edge;
    type EdgeReferences = Each<'v, Edge>;

    fn edge_references(self) -> Self::EdgeReferences {
        Box::new(self.node_identifiers().flat_map(|element| self.edges_in(element)))
    }
}

impl<'v> IntoEdges for &'v View {
    type Edges = Each<'v, Edge>;

    fn edges(self, element: ElementId) -> Self::Edges {
        Box::new(self.edges_out(element))
    }
}

impl<'v> IntoEdgesDirected for &'v View {
    type EdgesDirected = Each<'v, Edge>;

    fn edges_directed(self, element: ElementId, direction: Direction) -> Self::EdgesDirected {
        match direction {
            Direction::Outgoing => self.edges(element),
            Direction::Incoming => Box::new(self.edges_in(element)),
        }
    }
}

impl<'v> IntoNodeIdentifiers for &'v View {
    type NodeIdentifiers = Each<'v, ElementId>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        Box::new(self.ids())
    }
}

impl<'v> IntoNodeReferences for &'v View {
    type NodeRef = (ElementId, &'v Element);
    type NodeReferences = Each<'v, (ElementId, &'v Element)>;

    fn node_references(self) -> Self::NodeReferences {
        Box::new(self.node_identifiers().zip(&self.elements))
    }
}
