//! Joins a ReLU to the operation before it, except where that operation becomes part of a block.
//!
//! A ReLU is joined to the operation before it if that has such a kernel and nothing else uses the value between: the
//! gradient of the pair needs the ReLU's output alone.

use super::{Graph, Node};
use std::collections::HashSet;

/// The graph with all fusions made that are allowed. Values that are no longer computed stay listed, unused.
pub fn fuse(graph: &Graph) -> Graph {
    fuse_others(graph, &HashSet::new())
}

/// The same, but for the operations of these paths.
pub(super) fn fuse_others(graph: &Graph, but: &HashSet<String>) -> Graph {
    let mut fused = Graph { nodes: Vec::new(), ..graph.clone() };
    let mut loss = None;
    let mut uses = vec![0; graph.values.len()];
    graph.nodes.iter().chain(&graph.last).flat_map(|node| &node.inputs).for_each(|id| uses[id.0] += 1);
    graph.kept.iter().for_each(|id| uses[id.0] += 1);
    for (index, node) in graph.nodes.iter().enumerate() {
        let before = fused.nodes.last().filter(|before| !but.contains(&before.path));
        match before.and_then(|before| joined(&uses, before, node)) {
            Some(both) => {
                fused.nodes.pop();
                fused.nodes.push(both);
            }
            None => fused.nodes.push(node.clone()),
        }
        if graph.loss == Some(index) {
            loss = Some(fused.nodes.len() - 1);
        }
    }
    fused.loss = loss;
    fused
}

/// Both nodes as one, if they may be; `uses` says how often each value is used, by the host too.
fn joined(uses: &[usize], before: &Node, node: &Node) -> Option<Node> {
    let [between] = before.outputs[..] else { return None };
    if !node.op.is_relu() || node.inputs != [between] || uses[between.0] != 1 {
        return None;
    }
    // A product with no bias has no kernel that ends in a ReLU.
    let op = before.op.with_relu().filter(|_| before.inputs.len() == 3)?;
    Some(Node { op, path: format!("{}+{}", before.path, node.path), outputs: node.outputs.clone(), ..before.clone() })
}
