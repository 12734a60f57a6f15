//! The passes of the compiler, and which of them are on.

use super::super::Program;

/// A pass of the compiler. Each makes runs faster, and none changes what is computed.
///
/// Fusing, rolling, ordering, late and script re-associate sums, so that results may differ in the last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pass {
    /// What constants alone determine is computed once and for all.
    Fold,
    /// Sums take in the sums and products that they alone use: Σ ± a·b.
    Fuse,
    /// What a sum repeats becomes the lanes of one small program.
    Roll,
    /// What a lane computes twice it computes once.
    Share,
    /// What goes to different places stands apart, what only the end of a long graph wants waits for it, and irregular
    /// graphs go by the fullest list of one operation.
    Order,
    /// Sums of products over regular places become loops: dots, matrix products, outer products.
    Loops,
    /// Sums that go on from each other keep the last number in a register.
    Chain,
    /// What many steps add to the adjoints of the same parameters is added by one.
    Late,
    /// Short steps run one after the other without being looked at.
    Script,
}

impl Pass {
    /// Every pass, in the order in which they run.
    pub const ALL: &[Self] = &[
        Self::Fold,
        Self::Fuse,
        Self::Roll,
        Self::Share,
        Self::Order,
        Self::Loops,
        Self::Chain,
        Self::Late,
        Self::Script,
    ];
}

/// The passes that are left out.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Without(u16);

impl Without {
    pub(super) fn runs(self, pass: Pass) -> bool {
        self.0 & bit(pass) == 0
    }
}

fn bit(pass: Pass) -> u16 {
    1 << pass as u8
}

impl Program {
    /// The same program, whose runs are compiled without some passes: to measure what these are good for.
    ///
    /// ```
    /// use dagrad::{Graph, Pass};
    /// let graph = Graph::new();
    /// let (x, w) = (graph.inputs("x", 24), graph.parameters("w", &[0.5; 24]));
    /// let program = graph.compile(&[graph.dot(&w, &x)?])?;
    /// let slow = program.without(Pass::ALL);
    /// assert!(slow.report().steps() >= program.report().steps());
    /// # Ok::<(), dagrad::Error>(())
    /// ```
    #[must_use]
    pub fn without(&self, passes: &[Pass]) -> Self {
        let without = passes.iter().fold(self.without.0, |bits, &pass| bits | bit(pass));
        Self { without: Without(without), lanes: Default::default(), single: Default::default(), ..self.clone() }
    }
}
