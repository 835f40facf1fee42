//! How long each dispatch takes, by the device's own clock.

use super::session::{Session, buffer};
use crate::executor::DeviceError;

impl Session {
    /// Median seconds of each dispatch of a program over steps; `None` where the device has no timestamps, or fewer than
    /// the program wants. Each dispatch is a pass of its own, between whose ends the time is taken: that is the one form
    /// that every backend with timestamps has, and the pass's own barriers are in no time but its dispatch's.
    pub(super) fn timestamps(&mut self, program: usize, steps: usize) -> Result<Option<Vec<f64>>, DeviceError> {
        let (gpu, dispatches) = (&self.gpu, &self.programs[program]);
        let count = 2 * dispatches.len() as u32;
        let offered = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let nanoseconds = f64::from(gpu.queue.get_timestamp_period());
        if !offered || nanoseconds <= 0.0 || count > wgpu::QUERY_SET_MAX_QUERIES || steps == 0 {
            return Ok(None);
        }
        let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let ticks = buffer(gpu, u64::from(count) * 8, usage);
        let mut times = vec![vec![]; dispatches.len()];
        for _ in 0..steps {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for (i, ready) in dispatches.iter().enumerate() {
                let writes = wgpu::ComputePassTimestampWrites {
                    query_set: &set,
                    beginning_of_pass_write_index: Some(2 * i as u32),
                    end_of_pass_write_index: Some(2 * i as u32 + 1),
                };
                let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) };
                ready.record(&mut encoder.begin_compute_pass(&descriptor));
            }
            encoder.resolve_query_set(&set, 0..count, &ticks, 0);
            gpu.queue.submit([encoder.finish()]);
            let words = self.fetch(&ticks, 0, 2 * count as usize)?;
            let tick = |i: usize| u64::from(words[2 * i]) | u64::from(words[2 * i + 1]) << 32;
            for (i, times) in times.iter_mut().enumerate() {
                times.push(tick(2 * i + 1).saturating_sub(tick(2 * i)) as f64 * nanoseconds * 1e-9);
            }
        }
        Ok(Some(times.into_iter().map(middle).collect()))
    }
}

/// The median of some times.
fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
