//! What a person measures in a graph.

mod depth;
