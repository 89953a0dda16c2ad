//! Timestamps: a pass for each dispatch, which writes down when it begins and when it ends.

use super::Wgpu;
use super::recording::{Step, steps};
use edgewise_core::Result;
use edgewise_core::device::Recording;
use std::ops::Range;
use std::time::Duration;
use wgpu::{
    BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor, ComputePassTimestampWrites,
    QuerySetDescriptor, QueryType,
};

/// Dispatches of one submission, of which each takes two of the 4,096 timestamps that a set can have.
const SUBMIT: usize = 32;

impl Wgpu {
    /// Begins the dispatches of a recording, waits for them, and tells when each ran.
    pub(super) fn submit_timed(
        &self,
        recording: &Recording,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Range<Duration>>> {
        let mut ticks = Vec::new();
        for part in steps(recording)?.chunks(SUBMIT) {
            check()?;
            ticks.extend(self.ticks(part, check)?);
        }
        let first = ticks.first().map_or(0, |[begin, _]: &[u64; 2]| *begin);
        let period = f64::from(self.queue.get_timestamp_period());
        // A clock that was set back is no time.
        let since = |tick: u64| Duration::from_nanos((tick.saturating_sub(first) as f64 * period) as u64);
        Ok(ticks.into_iter().map(|[begin, end]| since(begin)..since(end)).collect())
    }

    /// When each of those began and ended, in the GPU's own time.
    fn ticks(&self, part: &[Step], check: &dyn Fn() -> Result<()>) -> Result<Vec<[u64; 2]>> {
        let count = 2 * part.len() as u32;
        let bytes = 8 * u64::from(count);
        let resolved =
            self.make_buffer(bytes, BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC, "timestamps")?;
        let staging = self.staging(bytes)?;
        let encode = || {
            let set = QuerySetDescriptor { label: None, ty: QueryType::Timestamp, count };
            let query_set = self.device.create_query_set(&set);
            let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
            for (i, step) in (0u32..).zip(part) {
                let timestamp_writes = Some(ComputePassTimestampWrites {
                    query_set: &query_set,
                    beginning_of_pass_write_index: Some(2 * i),
                    end_of_pass_write_index: Some(2 * i + 1),
                });
                let mut pass =
                    encoder.begin_compute_pass(&ComputePassDescriptor { label: None, timestamp_writes });
                step.encode(&mut pass);
            }
            encoder.resolve_query_set(&query_set, 0..count, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes);
            encoder
        };
        let encoder = self.checked(|| "timing kernels".to_string(), encode)?;
        let copied = self.take(encoder, &[staging], check)?;
        let numbers: Vec<u64> = copied
            .iter()
            .flat_map(|copy| copy.as_chunks().0)
            .map(|bytes| u64::from_le_bytes(*bytes))
            .collect();
        Ok(numbers.as_chunks().0.to_vec())
    }
}
