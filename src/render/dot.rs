//! Graphviz: a view in the DOT language.

use std::fmt::Write as _;

use super::RenderError;
use crate::graph::NodeId;
use crate::view::{ElementId, Role, View};

/// The most elements that are drawn, unless it is raised.
const MOST: usize = 2000;
/// The most characters of a label.
const LONGEST: usize = 60;

/// A drawing of a view in the DOT language, made by [`View::dot`].
///
/// Groups are clusters, elements of equal depth stand side by side, and colours tell inputs, parameters, constants,
/// operations and groups apart. The text is the same for the same view.
///
/// ```
/// use dagrad::{ElementSet, Graph};
/// let graph = Graph::new();
/// let (x, w) = (graph.input("x"), graph.parameter("w", 2.0));
/// let y = (w * x).named("y");
/// let program = graph.compile(&[y])?;
/// let values = program.forward(&[3.0])?;
/// let gradients = program.reverse(&values);
/// let view = graph.view(&[y], &ElementSet::primitives())?;
/// let text = view.dot().numbers(|node| Some((values[node], gradients[node]))).render()?;
/// assert!(text.contains("label=\"y = ×\\n6\\n∂ 1\""), "{text}");
/// # Ok::<(), dagrad::Error>(())
/// ```
///
/// # Reference
/// The DOT language, <https://graphviz.org/doc/info/lang.html>.
pub struct Dot<'v> {
    view: &'v View,
    most: usize,
    clusters: bool,
    critical: bool,
    numbers: Option<Box<Numbers<'v>>>,
}

/// The value and the adjoint of a node, if they are known.
type Numbers<'v> = dyn Fn(NodeId) -> Option<(f64, f64)> + 'v;

impl std::fmt::Debug for Dot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dot")
            .field("elements", &self.view.elements().len())
            .field("most", &self.most)
            .field("clusters", &self.clusters)
            .field("critical", &self.critical)
            .finish_non_exhaustive()
    }
}

impl View {
    /// The view as a drawing for Graphviz.
    #[must_use]
    pub fn dot(&self) -> Dot<'_> {
        Dot { view: self, most: MOST, clusters: true, critical: false, numbers: None }
    }
}

impl<'v> Dot<'v> {
    /// Writes a value and an adjoint on each node for which `numbers` knows them.
    #[must_use]
    pub fn numbers(mut self, numbers: impl Fn(NodeId) -> Option<(f64, f64)> + 'v) -> Self {
        self.numbers = Some(Box::new(numbers));
        self
    }

    /// Highlights a longest path.
    #[must_use]
    pub fn critical_path(mut self) -> Self {
        self.critical = true;
        self
    }

    /// Draws no frames around groups.
    #[must_use]
    pub fn without_clusters(mut self) -> Self {
        self.clusters = false;
        self
    }

    /// Draws up to so many elements, instead of 2000.
    #[must_use]
    pub fn at_most(mut self, elements: usize) -> Self {
        self.most = elements;
        self
    }

    /// The text of the drawing.
    ///
    /// # Errors
    /// [`RenderError::TooLarge`] when the view has more elements than are drawn.
    ///
    /// ```
    /// use dagrad::{ElementSet, Graph};
    /// let graph = Graph::new();
    /// let sum = graph.sum(&graph.inputs("x", 3000));
    /// let view = graph.view(&[sum], &ElementSet::primitives())?;
    /// let error = view.dot().render().unwrap_err();
    /// assert!(error.to_string().starts_with("a drawing of 3001 elements is too large to read, the limit is 2000"));
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    pub fn render(&self) -> Result<String, RenderError> {
        let elements = self.view.elements().len();
        if elements > self.most {
            return Err(RenderError::TooLarge { elements, most: self.most });
        }
        let mut text = String::from("digraph {\n");
        text.push_str("  rankdir=BT; newrank=true; labeljust=l; node [style=filled, fontname=\"sans-serif\"];\n");
        self.write_elements(&mut text);
        self.write_ranks(&mut text);
        self.write_edges(&mut text);
        text.push_str("}\n");
        Ok(text)
    }

    /// The elements, each in the clusters of its groups.
    fn write_elements(&self, text: &mut String) {
        let critical = self.critical_elements();
        if !self.clusters {
            for id in self.view.ids() {
                self.write_element(text, id, 1, critical[id.index()]);
            }
            return;
        }
        // Elements by their chain of groups, outermost first: those of a cluster, and of clusters in it, stand together.
        let chain = |id: ElementId| -> Vec<u32> {
            let mut chain: Vec<u32> = self.view.chain(self.view.element(id).group).collect();
            chain.reverse();
            chain
        };
        let mut sorted: Vec<(Vec<u32>, ElementId)> = self.view.ids().map(|id| (chain(id), id)).collect();
        sorted.sort();
        let mut open: Vec<u32> = vec![];
        for (chain, id) in sorted {
            let common = open.iter().zip(&chain).take_while(|(a, b)| a == b).count();
            close(text, &mut open, common);
            for &group in &chain[common..] {
                open.push(group);
                let indent = "  ".repeat(open.len());
                let label = escaped(self.view.group(group));
                writeln!(text, "{indent}subgraph cluster_{group} {{\n{indent}  label=\"{label}\"; color=gray;")
                    .expect("a String takes everything");
            }
            self.write_element(text, id, open.len() + 1, critical[id.index()]);
        }
        close(text, &mut open, 0);
    }

    fn critical_elements(&self) -> Vec<bool> {
        let mut critical = vec![false; self.view.elements().len()];
        if self.critical {
            self.view.critical_path().into_iter().for_each(|id| critical[id.index()] = true);
        }
        critical
    }

    fn write_element(&self, text: &mut String, id: ElementId, indent: usize, critical: bool) {
        let element = self.view.element(id);
        let (shape, fill) = match element.role {
            Role::Input => ("box", "lightblue"),
            Role::Parameter => ("box", "khaki"),
            Role::Constant(_) => ("plaintext", "white"),
            Role::Operation(_) => ("ellipse", "white"),
            Role::Group => ("box", "lightgray"),
        };
        let mut label = escaped(&self.view.label(id));
        if let (Role::Operation(op), true) = (element.role, self.view.is_named(id)) {
            write!(label, " = {}", escaped(op.info().label)).expect("a String takes everything");
        }
        if let Some((value, adjoint)) = self.numbers.as_ref().and_then(|numbers| numbers(element.node)) {
            write!(label, "\\n{}\\n∂ {}", short(value), short(adjoint)).expect("a String takes everything");
        }
        let (indent, number) = ("  ".repeat(indent), id.index());
        let pen = if critical { ", color=red, penwidth=2" } else { "" };
        writeln!(text, "{indent}n{number} [label=\"{label}\", shape={shape}, fillcolor={fill}{pen}];")
            .expect("a String takes everything");
    }

    /// Elements of equal depth stand side by side.
    fn write_ranks(&self, text: &mut String) {
        let mut by_level: std::collections::BTreeMap<usize, String> = std::collections::BTreeMap::new();
        for (number, level) in self.view.levels().into_iter().enumerate().filter(|&(_, level)| level > 0) {
            write!(by_level.entry(level).or_default(), " n{number};").expect("a String takes everything");
        }
        for names in by_level.values() {
            writeln!(text, "  {{ rank=same;{names} }}").expect("a String takes everything");
        }
    }

    fn write_edges(&self, text: &mut String) {
        let path = if self.critical { self.view.critical_path() } else { vec![] };
        let mut on_path: std::collections::HashSet<(ElementId, ElementId)> =
            path.windows(2).map(|pair| (pair[0], pair[1])).collect();
        for user in self.view.ids() {
            // An operation shows x·x as two arrows; how often a group reads x inside is its own affair.
            let once = self.view.element(user).role == Role::Group;
            let mut drawn = std::collections::HashSet::new();
            for operand in self.view.operands(user).filter(|&operand| !once || drawn.insert(operand)) {
                let pen = if on_path.remove(&(operand, user)) { " [color=red, penwidth=2]" } else { "" };
                writeln!(text, "  n{} -> n{}{pen};", operand.index(), user.index()).expect("a String takes everything");
            }
        }
    }
}

/// Closes all clusters but the outermost `keep`.
fn close(text: &mut String, open: &mut Vec<u32>, keep: usize) {
    while open.len() > keep {
        text.push_str(&"  ".repeat(open.len()));
        text.push_str("}\n");
        open.pop();
    }
}

/// A label as the inside of a string of the language: one line of visible characters, cut where it is too long.
fn escaped(label: &str) -> String {
    let mut text = String::new();
    for (place, character) in label.chars().enumerate() {
        if place == LONGEST {
            text.push('…');
            break;
        }
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            _ if character.is_control() => text.push(' '),
            _ => text.push(character),
        }
    }
    text
}

/// A number in few digits.
fn short(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-3..1e6).contains(&size) {
        let text = format!("{number:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "-0" { "0".into() } else { text.into() }
    } else if number.is_finite() {
        format!("{number:.3e}")
    } else {
        number.to_string()
    }
}
