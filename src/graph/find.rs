//! From a path back to the node, or to what was probably meant.

use super::{Expr, Graph, GraphError, NodeKey, group, index};

/// How many paths a message names.
const SHOWN: usize = 3;

impl Graph {
    /// The node with this path.
    ///
    /// The whole path finds the node; so does the end of it, if only one node's path ends so. White space around the
    /// slashes is free. Nodes without a name are found by what errors call them, `tanh #17`.
    ///
    /// # Errors
    /// [`GraphError::UnknownPath`] with the nearest paths, [`GraphError::AmbiguousPath`] when several nodes have it.
    ///
    /// ```
    /// let graph = dagrad::Graph::new();
    /// graph.group("layer 1", || graph.group("neuron 0", || graph.parameters("w", &[0.1, 0.2])));
    /// assert_eq!(graph.find("layer 1 / neuron 0 / w[1]")?, graph.find("w[1]")?);
    /// let error = graph.find("layer 1/neuron O/w[1]").unwrap_err();
    /// assert!(error.to_string().ends_with("did you mean `layer 1 / neuron 0 / w[1]`, `layer 1 / neuron 0 / w[0]`?"));
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn find(&self, path: &str) -> Result<Expr<'_>, GraphError> {
        let path = group::normalise(path);
        let candidates = self.candidates(&path);
        let full = |key: NodeKey| group::normalise(&self.path_of(key));
        let exact: Vec<NodeKey> = candidates.iter().copied().filter(|&key| full(key) == path).collect();
        let suffix = format!("{}{path}", group::SEPARATOR);
        let matches = if exact.is_empty() {
            candidates.into_iter().filter(|&key| full(key).ends_with(&suffix)).collect()
        } else {
            exact
        };
        match matches.as_slice() {
            [key] => Ok(self.handle(*key)),
            [] => Err(GraphError::UnknownPath { near: self.near(&path), path }),
            several => Err(GraphError::AmbiguousPath {
                path,
                count: several.len(),
                among: several.iter().take(SHOWN).map(|&key| self.path_with_index(key)).collect(),
            }),
        }
    }

    /// The nodes whose own name, the last part of their path, is that of `path`, in creation order.
    fn candidates(&self, path: &str) -> Vec<NodeKey> {
        let labels = self.labels.borrow();
        let mut named: Vec<NodeKey> = (labels.named())
            .filter(|&key| {
                labels.name_of(key).is_some_and(|name| path.ends_with(group::normalise(&name.to_string()).as_str()))
            })
            .collect();
        named.sort_unstable_by_key(|&key| index(key));
        if let Some(number) = path.rsplit_once(" #").and_then(|(_, number)| number.parse::<usize>().ok()) {
            let arena = self.arena();
            named.extend(arena.keys().into_iter().find(|&key| index(key) == number && labels.name_of(key).is_none()));
        }
        named
    }

    /// Every named node by its path, in creation order where several have the same.
    pub(crate) fn paths(&self) -> rustc_hash::FxHashMap<String, Vec<NodeKey>> {
        let mut keys: Vec<NodeKey> = self.labels.borrow().named().collect();
        keys.sort_unstable_by_key(|&key| index(key));
        let mut paths = rustc_hash::FxHashMap::<String, Vec<NodeKey>>::default();
        for key in keys {
            paths.entry(self.path_of(key)).or_default().push(key);
        }
        paths
    }

    fn path_with_index(&self, key: NodeKey) -> String {
        format!("{} (#{})", self.path_of(key), index(key))
    }

    /// The named paths with the least edit distance to `path`, best first.
    fn near(&self, path: &str) -> Vec<String> {
        let paths: Vec<String> = {
            let keys: Vec<NodeKey> = self.labels.borrow().named().collect();
            keys.into_iter().map(|key| self.path_of(key)).collect()
        };
        nearest(path, paths.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
    }
}

/// The few candidates that a person may have meant by `word`, best first.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = ((word.chars().count() + 1) / 3).max(1);
    let mut scored: Vec<(usize, &str)> = candidates
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * limit)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(SHOWN).map(|(_, candidate)| candidate).collect()
}

/// The least number of characters to insert, delete or replace (Levenshtein 1966).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
