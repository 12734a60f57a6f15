//! Which nodes a set of outputs needs, without recursion.

use super::{Arena, Kind, NodeKey, index};

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
        let first = self.sweep(&mut keys, outputs, stops, |_, _| true);
        keys.drain(..first);
        keys
    }

    /// The operations that `outputs` depend on, operands before their users, behind some leaves and the constants among
    /// what they depend on; and the values of these.
    pub(crate) fn needed_after(&self, leaves: &[NodeKey], outputs: &[NodeKey]) -> (Vec<NodeKey>, Vec<f64>) {
        let (mut keys, mut constants) = (self.keys(), vec![]);
        let first = self.sweep(
            &mut keys,
            outputs,
            |_| false,
            |key, kind| {
                if let Kind::Constant(value) = kind {
                    constants.push((key, value));
                }
                matches!(kind, Kind::Apply(_))
            },
        );
        // All leaves stood among the keys, so that there is room for them.
        let of_constants = first - constants.len();
        let start = of_constants - leaves.len();
        keys[start..of_constants].copy_from_slice(leaves);
        for (place, &(key, _)) in keys[of_constants..first].iter_mut().zip(constants.iter().rev()) {
            *place = key;
        }
        keys.drain(..start);
        (keys, constants.iter().rev().map(|&(_, value)| value).collect())
    }

    /// Moves what `outputs` depend on and `keeps` holds of to the end of all keys, and says where that begins.
    fn sweep(
        &self,
        keys: &mut [NodeKey],
        outputs: &[NodeKey],
        stops: impl Fn(NodeKey) -> bool,
        mut keeps: impl FnMut(NodeKey, Kind) -> bool,
    ) -> usize {
        let mut wanted = vec![false; self.bound()];
        for &output in outputs {
            wanted[index(output)] = !stops(output);
        }
        let mut first = keys.len();
        for place in (0..keys.len()).rev() {
            let key = keys[place];
            if wanted[index(key)] {
                let (kind, operands) = self.node(key);
                if keeps(key, kind) {
                    first -= 1;
                    keys[first] = key;
                }
                for &operand in operands {
                    wanted[index(operand)] = !stops(operand);
                }
            }
        }
        first
    }
}
