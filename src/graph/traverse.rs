//! Which nodes a set of outputs needs, without recursion.

use super::{Arena, NodeKey, index};

impl Arena {
    /// The nodes that `outputs` depend on, outputs included, operands before their users.
    ///
    /// Two sweeps over the arena in creation order; no stack grows with the depth.
    pub(crate) fn needed(&self, outputs: &[NodeKey]) -> Vec<NodeKey> {
        self.needed_until(outputs, |_| false)
    }

    /// The same without the nodes at which `stops` holds, and what they alone depend on.
    pub(super) fn needed_until(&self, outputs: &[NodeKey], stops: impl Fn(NodeKey) -> bool) -> Vec<NodeKey> {
        let mut keys = self.keys();
        let mut wanted = vec![false; self.bound()];
        for &output in outputs {
            wanted[index(output)] = !stops(output);
        }
        for &key in keys.iter().rev() {
            if wanted[index(key)] {
                for &operand in self.operands(key) {
                    wanted[index(operand)] = !stops(operand);
                }
            }
        }
        keys.retain(|&key| wanted[index(key)]);
        keys
    }
}
