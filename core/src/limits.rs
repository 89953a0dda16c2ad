//! What loading, compiling and running an untrusted model may cost.

use std::time::Duration;

/// Bounds on the cost of a model. The defaults are far above any real model and far below harm.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of anything that is made from the model before it runs: its structure, constants in it that are
    /// written out, folded constants.
    pub max_bytes: u64,
    /// Nodes after functions are expanded, those of subgraphs included.
    pub max_nodes: usize,
    /// How deep subgraphs and functions may nest.
    pub max_depth: usize,
    /// Bytes of one run's intermediate results and outputs.
    pub max_run_bytes: u64,
    /// How long one run may take.
    pub deadline: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bytes: 2 << 30,
            max_nodes: 1_000_000,
            max_depth: 64,
            max_run_bytes: 64 << 30,
            deadline: None,
        }
    }
}
