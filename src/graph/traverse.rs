//! Which nodes a set of outputs needs, without recursion.

use super::{Arena, NodeKey, index};

impl Arena {
    /// The nodes that `outputs` depend on, outputs included, operands before their users.
    ///
    /// Two sweeps over the arena in creation order; no stack grows with the depth.
    pub(crate) fn needed(&self, outputs: &[NodeKey]) -> Vec<NodeKey> {
        let keys = self.keys();
        let mut wanted = vec![false; self.bound()];
        for &output in outputs {
            wanted[index(output)] = true;
        }
        let mut count = 0;
        for &key in keys.iter().rev() {
            if wanted[index(key)] {
                count += 1;
                for &operand in self.operands(key) {
                    wanted[index(operand)] = true;
                }
            }
        }
        let mut needed = Vec::with_capacity(count);
        needed.extend(keys.into_iter().filter(|&key| wanted[index(key)]));
        needed
    }
}
