//! Which nodes a set of outputs needs, without recursion.

use super::{Arena, NodeKey, index};

impl Arena {
    /// The nodes that `outputs` depend on, outputs included, operands before their users.
    ///
    /// One sweep over the arena against the order of creation; no stack grows with the depth.
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
        // What is wanted moves to the end, so that one sweep both marks and keeps.
        let mut first = keys.len();
        for place in (0..keys.len()).rev() {
            let key = keys[place];
            if wanted[index(key)] {
                first -= 1;
                keys[first] = key;
                for &operand in self.operands(key) {
                    wanted[index(operand)] = !stops(operand);
                }
            }
        }
        keys.drain(..first);
        keys
    }
}
