//! Groups and names: what a person calls the parts of a graph.
//!
//! A group is a label over the nodes that were made while it was open. Nothing here changes what is computed: removing
//! every group and name changes no value.

use std::fmt::Write as _;
use std::hash::BuildHasherDefault;

use rustc_hash::FxHasher;
use slotmap::SparseSecondaryMap;

use super::id::NodeKey;

/// Names, groups and which nodes are in them.
#[derive(Debug, Default)]
pub(super) struct Labels {
    groups: Vec<Group>,
    open: Option<u32>,
    membership: SparseSecondaryMap<NodeKey, u32, BuildHasherDefault<FxHasher>>,
    names: SparseSecondaryMap<NodeKey, Name, BuildHasherDefault<FxHasher>>,
}

#[derive(Debug)]
struct Group {
    name: Box<str>,
    parent: Option<u32>,
}

/// A name, or an element `stem[index]` of an array of them.
#[derive(Clone, Debug)]
pub(super) struct Name {
    stem: std::rc::Rc<str>,
    index: Option<usize>,
}

impl Name {
    pub(super) fn new(stem: impl Into<std::rc::Rc<str>>) -> Self {
        Self { stem: stem.into(), index: None }
    }

    pub(super) fn element(stem: &std::rc::Rc<str>, index: usize) -> Self {
        Self { stem: stem.clone(), index: Some(index) }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            None => f.write_str(&self.stem),
            Some(index) => write!(f, "{}[{index}]", self.stem),
        }
    }
}

impl Labels {
    /// Opens a group inside the one that is open and returns its index.
    pub(super) fn enter(&mut self, name: &str) -> u32 {
        let index = self.add(name, self.open);
        self.open = Some(index);
        index
    }

    /// Makes a group inside another one, without opening it, and returns its index.
    pub(super) fn add(&mut self, name: &str, parent: Option<u32>) -> u32 {
        let index = u32::try_from(self.groups.len()).expect("fewer than 2³² groups");
        self.groups.push(Group { name: name.into(), parent });
        index
    }

    /// The group that is open.
    pub(super) fn open(&self) -> Option<u32> {
        self.open
    }

    /// The name of a group and the group around it.
    pub(super) fn group(&self, index: u32) -> (&str, Option<u32>) {
        let Group { name, parent } = &self.groups[index as usize];
        (name, *parent)
    }

    /// Closes the group `index`, and any that a panic left open inside it.
    pub(super) fn leave(&mut self, index: u32) {
        self.open = self.groups[index as usize].parent;
    }

    /// Notes that a node was made in the open group.
    pub(super) fn place(&mut self, key: NodeKey) {
        self.place_in(self.open, key);
    }

    /// Notes that a node belongs to a group.
    pub(super) fn place_in(&mut self, group: Option<u32>, key: NodeKey) {
        if let Some(group) = group {
            self.membership.insert(key, group);
        }
    }

    pub(super) fn name(&mut self, key: NodeKey, name: Name) {
        self.names.insert(key, name);
    }

    pub(super) fn forget(&mut self, key: NodeKey) {
        self.membership.remove(key);
        self.names.remove(key);
    }

    pub(super) fn name_of(&self, key: NodeKey) -> Option<&Name> {
        self.names.get(key)
    }

    pub(super) fn group_of(&self, key: NodeKey) -> Option<u32> {
        self.membership.get(key).copied()
    }

    /// Every group with the one around it, which stands before it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<u32>)> {
        self.groups.iter().map(|group| (&*group.name, group.parent))
    }

    pub(super) fn named(&self) -> impl Iterator<Item = NodeKey> {
        self.names.keys()
    }

    pub(super) fn open_path(&self) -> String {
        self.path(self.open)
    }

    /// The names of a group and those around it, outermost first.
    pub(super) fn path(&self, mut group: Option<u32>) -> String {
        let mut names = Vec::new();
        while let Some(index) = group {
            let Group { name, parent } = &self.groups[index as usize];
            names.push(&**name);
            group = *parent;
        }
        names.reverse();
        names.join(SEPARATOR)
    }

    /// The path of a node, ending in its name or in `otherwise`.
    pub(super) fn path_of(&self, key: NodeKey, otherwise: impl std::fmt::Display) -> String {
        let mut path = self.path(self.group_of(key));
        if !path.is_empty() {
            path.push_str(SEPARATOR);
        }
        match self.name_of(key) {
            Some(name) => write!(path, "{name}"),
            None => write!(path, "{otherwise}"),
        }
        .expect("a String takes everything");
        path
    }
}

/// What stands between the names of a path.
pub(super) const SEPARATOR: &str = " / ";

/// A path without the white space that a person may leave out or add around the slashes.
pub(super) fn normalise(path: &str) -> String {
    path.split('/').map(str::trim).collect::<Vec<_>>().join(SEPARATOR)
}
