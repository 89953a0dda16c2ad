//! How far loading has come.

use crate::graph::{Constant, Graph};
use crate::onnx::Reads;
use std::collections::HashSet;

/// How far loading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The structure is understood; so many bytes of weights will follow.
    Weights(u64),
    /// So many bytes of weights were read since the last report.
    Read(u64),
    /// So many of a device's pipelines are made, of those that are known to be wanted. Others may be wanted by a run.
    Pipelines {
        /// Those that are made.
        made: usize,
        /// All of them.
        of: usize,
    },
    /// Ready to run.
    Ready,
}

/// Tells of weights that are read, each once, until all have been.
pub struct Reading<'a> {
    progress: &'a mut (dyn FnMut(Progress) + Send),
    reads: Reads,
    left: u64,
}

impl<'a> Reading<'a> {
    /// Of so many bytes.
    pub fn of(bytes: u64, reads: &Reads, progress: &'a mut (dyn FnMut(Progress) + Send)) -> Reading<'a> {
        progress(Progress::Weights(bytes));
        Reading { progress, reads: reads.clone(), left: bytes }
    }

    /// Tells what was read since the last time.
    pub fn tell(&mut self) {
        self.read(self.reads.take());
    }

    /// Tells of pipelines.
    pub fn tell_pipelines(&mut self, made: usize, of: usize) {
        (self.progress)(Progress::Pipelines { made, of });
    }

    /// Tells of the rest, which nobody needed to read.
    pub fn finish(mut self) {
        self.tell();
        self.read(self.left);
    }

    fn read(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
        if bytes > 0 {
            (self.progress)(Progress::Read(bytes));
        }
    }
}

/// Bytes of a graph's weights and of the graphs in it, which share some.
pub fn stored_bytes(graph: &Graph) -> u64 {
    fn add(graph: &Graph, seen: &mut HashSet<usize>) -> u64 {
        let own = graph.values.iter().filter_map(|value| match &value.constant {
            Some(Constant::Stored(stored)) => seen.insert(stored.number()).then_some(stored.bytes() as u64),
            _ => None,
        });
        let own: u64 = own.sum();
        own + graph.nodes.iter().flat_map(|node| node.op.graphs()).map(|graph| add(graph, seen)).sum::<u64>()
    }
    add(graph, &mut HashSet::new())
}
