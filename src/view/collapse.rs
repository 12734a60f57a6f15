//! From nodes to elements.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Element, ElementSet, Group, Role, View, ViewError};
use crate::graph::{Arena, Expr, Graph, Kind, NodeId, NodeKey, index};

const NONE: u32 = u32::MAX;

impl Graph {
    /// What some outputs depend on, in elements of a set.
    ///
    /// Takes time and memory proportional to the number of operands.
    ///
    /// # Errors
    /// [`ViewError::Outside`] when an operation is not in the set, and names it; [`ViewError::Graph`] when an output
    /// belongs to another graph or was removed.
    ///
    /// ```
    /// use dagrad::{ElementSet, Graph};
    /// let graph = Graph::new();
    /// let x = graph.input("x");
    /// let y = (x * x + 1.0).sin().named("y");
    /// let error = graph.view(&[y], &ElementSet::sums_and_products()).unwrap_err();
    /// assert_eq!(error.to_string(), "`y` is sin, which is not in the element set {+, ×}");
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn view(&self, outputs: &[Expr<'_>], set: &ElementSet) -> Result<View, ViewError> {
        let outputs = outputs.iter().map(|output| self.check(output.id())).collect::<Result<Vec<NodeKey>, _>>()?;
        let nodes = Nodes::new(self, &outputs, set);
        nodes.refuse_what_is_outside(self, set)?;
        let elements = nodes.elements();
        Ok(nodes.view(self, &outputs, &elements))
    }
}

/// The nodes of a view, and the group that each belongs to as a part of an element.
struct Nodes<'a> {
    arena: std::cell::Ref<'a, Arena>,
    keys: Vec<NodeKey>,
    /// The number of the node in each place of the arena.
    numbers: Vec<u32>,
    own: Vec<u32>,
    groups: Vec<Group>,
    innermost: Vec<Option<u32>>,
}

impl<'a> Nodes<'a> {
    fn new(graph: &'a Graph, outputs: &[NodeKey], set: &ElementSet) -> Self {
        let arena = graph.arena();
        let keys = arena.needed(outputs);
        let mut numbers = vec![NONE; arena.bound()];
        (0..).zip(&keys).for_each(|(number, &key)| numbers[index(key)] = number);
        let groups: Vec<Group> = graph.group_names().into_iter().map(|(name, parent)| Group { name, parent }).collect();
        let innermost: Vec<Option<u32>> = keys.iter().map(|&key| graph.group_of(key)).collect();
        let mut nodes = Self { own: vec![NONE; keys.len()], arena, keys, numbers, groups, innermost };
        if set.has_groups() {
            nodes.find_owners(outputs, set);
        }
        nodes
    }

    /// Finds the outermost group of the set around every node.
    fn find_owners(&mut self, outputs: &[NodeKey], set: &ElementSet) {
        let mut outermost: Vec<u32> = Vec::with_capacity(self.groups.len());
        for (number, group) in (0..).zip(&self.groups) {
            let around = group.parent.map_or(NONE, |parent| outermost[parent as usize]);
            let own = if set.takes_group(&group.name) { number } else { NONE };
            outermost.push(if around == NONE { own } else { around });
        }
        for (own, group) in self.own.iter_mut().zip(&self.innermost) {
            *own = group.map_or(NONE, |group| outermost[group as usize]);
        }
        // A leaf that others use too, or that is given out, stands by itself.
        let mut shared: FxHashSet<u32> = outputs.iter().map(|&key| self.numbers[index(key)]).collect();
        for (number, &key) in self.keys.iter().enumerate() {
            for &operand in self.arena.operands(key) {
                let operand = self.numbers[index(operand)];
                if self.own[operand as usize] != self.own[number] {
                    shared.insert(operand);
                }
            }
        }
        for (number, &key) in (0..).zip(&self.keys) {
            let stands = match self.arena.kind(key) {
                Kind::Input => true,
                Kind::Parameter | Kind::Constant(_) => shared.contains(&number),
                Kind::Apply(_) => false,
            };
            if stands {
                self.own[number as usize] = NONE;
            }
        }
    }

    fn refuse_what_is_outside(&self, graph: &Graph, set: &ElementSet) -> Result<(), ViewError> {
        for (&key, &own) in self.keys.iter().zip(&self.own) {
            if let Kind::Apply(op) = self.arena.kind(key)
                && !set.takes(op, key, own != NONE, &self.arena)
            {
                let (path, operation) = (graph.handle(key).path(), op.info().name);
                return Err(ViewError::Outside { path, operation, set: set.name.clone() });
            }
        }
        Ok(())
    }

    /// Calls `visit` with the numbers of the operands of a node.
    fn each_operand(&self, number: usize, mut visit: impl FnMut(usize)) {
        for &operand in self.arena.operands(self.keys[number]) {
            visit(self.numbers[index(operand)] as usize);
        }
    }

    /// The element of each node, elements numbered in order of evaluation.
    fn elements(&self) -> Vec<u32> {
        if self.own.iter().all(|&own| own == NONE) {
            return (0..).take(self.keys.len()).collect();
        }
        let mut elements = self.numbered(|number| (self.own[number], 0));
        let whole = self.quotient(&elements);
        let circular: FxHashSet<usize> =
            kosaraju_scc(&whole).into_iter().filter(|part| part.len() > 1).flatten().map(NodeIndex::index).collect();
        if !circular.is_empty() {
            // How often a path has gone from one group to another grows along every edge between the pieces of groups
            // that depend on each other: the pieces cannot.
            let crossings = self.crossings();
            let pieces = self.numbered(|number| {
                let splits = circular.contains(&(elements[number] as usize));
                (self.own[number], if splits { 1 + crossings[number] } else { 0 })
            });
            elements = pieces;
        }
        let order = petgraph::algo::toposort(&self.quotient(&elements), None)
            .unwrap_or_else(|_| unreachable!("pieces of groups do not depend on themselves"));
        let mut places = vec![0; order.len()];
        (0..).zip(order).for_each(|(place, element)| places[element.index()] = place);
        elements.into_iter().map(|element| places[element as usize]).collect()
    }

    /// Numbers for the nodes of equal keys, in order of first appearance; without a group, each has its own.
    fn numbered(&self, key: impl Fn(usize) -> (u32, u32)) -> Vec<u32> {
        let (mut known, mut next) = (FxHashMap::default(), 0);
        let mut new = || {
            next += 1;
            next - 1
        };
        (0..self.keys.len())
            .map(|number| match key(number) {
                (NONE, _) => new(),
                key => *known.entry(key).or_insert_with(&mut new),
            })
            .collect()
    }

    /// The graph of elements.
    fn quotient(&self, elements: &[u32]) -> DiGraph<(), (), u32> {
        let count = elements.iter().max().map_or(0, |&most| most as usize + 1);
        let mut graph = DiGraph::with_capacity(count, elements.len());
        (0..count).for_each(|_| _ = graph.add_node(()));
        for number in 0..self.keys.len() {
            self.each_operand(number, |operand| {
                if elements[operand] != elements[number] {
                    graph.add_edge(elements[operand].into(), elements[number].into(), ());
                }
            });
        }
        graph
    }

    /// The greatest number of times that a path to each node goes from one group, or lone node, to another.
    fn crossings(&self) -> Vec<u32> {
        let mut crossings = vec![0_u32; self.keys.len()];
        for number in 0..self.keys.len() {
            let mut most = 0;
            self.each_operand(number, |operand| {
                let same = self.own[operand] == self.own[number] && self.own[number] != NONE;
                most = most.max(crossings[operand] + u32::from(!same));
            });
            crossings[number] = most;
        }
        crossings
    }

    fn view(&self, graph: &Graph, outputs: &[NodeKey], elements: &[u32]) -> View {
        let count = elements.iter().max().map_or(0, |&most| most as usize + 1);
        let mut members = vec![0_u32; count + 1];
        for &element in elements {
            members[element as usize + 1] += 1;
        }
        (0..count).for_each(|element| members[element + 1] += members[element]);
        let mut next = members.clone();
        let mut order = vec![0_u32; elements.len()];
        for (number, &element) in (0..).zip(elements) {
            order[next[element as usize] as usize] = number;
            next[element as usize] += 1;
        }
        let mut view = View {
            elements: Vec::with_capacity(count),
            starts: vec![0],
            operands: vec![],
            user_starts: vec![0; count + 1],
            users: vec![],
            outputs: outputs.iter().map(|&key| elements[self.numbers[index(key)] as usize]).collect(),
            names: FxHashMap::default(),
            groups: self.groups.clone(),
            path_depth: self.path_depth(outputs, elements),
        };
        for element in 0..count {
            let members = &order[members[element] as usize..members[element + 1] as usize];
            self.push(&mut view, graph, members, elements);
        }
        view.users = vec![(0, 0); view.operands.len()];
        view.operands.iter().for_each(|&operand| view.user_starts[operand as usize + 1] += 1);
        (0..count).for_each(|element| view.user_starts[element + 1] += view.user_starts[element]);
        let mut next = view.user_starts.clone();
        for user in 0..count {
            for place in view.starts[user]..view.starts[user + 1] {
                let at = &mut next[view.operands[place as usize] as usize];
                let narrow = |number: usize| u32::try_from(number).expect("fewer than 2³² elements");
                view.users[*at as usize] = (narrow(user), place - view.starts[user]);
                *at += 1;
            }
        }
        view
    }

    /// Appends an element.
    fn push(&self, view: &mut View, graph: &Graph, members: &[u32], elements: &[u32]) {
        let last = *members.last().expect("an element has a node") as usize;
        let number = u32::try_from(view.elements.len()).expect("fewer than 2³² elements");
        let own = self.own[last];
        let role = match self.arena.kind(self.keys[last]) {
            _ if own != NONE => Role::Group,
            Kind::Input => Role::Input,
            Kind::Parameter => Role::Parameter,
            Kind::Constant(value) => Role::Constant(value),
            Kind::Apply(op) => Role::Operation(op),
        };
        let mut operations = 0;
        for &member in members {
            operations += u32::from(matches!(self.arena.kind(self.keys[member as usize]), Kind::Apply(_)));
            self.each_operand(member as usize, |operand| {
                if elements[operand] != number {
                    view.operands.push(elements[operand]);
                }
            });
        }
        view.starts.push(u32::try_from(view.operands.len()).expect("fewer than 2³² operands"));
        let name = if own == NONE { graph.name_of(self.keys[last]) } else { Some(view.group(own).to_owned()) };
        view.names.extend(name.map(|name| (number, name)));
        let group = if own == NONE { self.innermost[last] } else { view.groups[own as usize].parent };
        let node = NodeId { graph: graph.id(), key: self.keys[last] };
        view.elements.push(Element { node, role, operations, group });
    }

    fn path_depth(&self, outputs: &[NodeKey], elements: &[u32]) -> usize {
        let mut depths = vec![0_usize; self.keys.len()];
        for (number, &key) in self.keys.iter().enumerate() {
            let leaf = !matches!(self.arena.kind(key), Kind::Apply(_));
            let own = usize::from(self.own[number] != NONE || !leaf);
            let mut depth = own;
            self.each_operand(number, |operand| {
                let crosses = elements[operand] != elements[number];
                depth = depth.max(depths[operand] + if crosses { own } else { 0 });
            });
            depths[number] = depth;
        }
        outputs.iter().map(|&key| depths[self.numbers[index(key)] as usize]).max().unwrap_or(0)
    }
}
