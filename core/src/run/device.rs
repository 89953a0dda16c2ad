//! What a run does on a device: copies, and stretches of nodes that are replayed as they were recorded.

use super::{Run, profile::Timer};
use crate::device::Memory;
use crate::plan::{Destination, DeviceSlot, DeviceStep, Download, Home, Placement, Segment, StepIn, Upload};
use crate::tensor::byte_count;
use crate::{DType, Result, Tensor, Value};

impl<'a> Run<'a> {
    pub(super) fn placement(&self) -> Result<&'a Placement> {
        self.program.placement().ok_or_else(|| err!(Internal, "there is no device"))
    }

    /// Makes buffers and pipelines for a segment.
    pub(super) async fn fit_device(&mut self, segment: &Segment) -> Result<()> {
        if segment.slot_bytes.is_empty() {
            return Ok(());
        }
        let device = self.placement()?.device();
        if !self.on_device.has_recorded(segment) {
            device.prepare(&segment.pipelines()).await?;
        }
        self.checks.clone_from(&segment.checks);
        self.afford(segment.slot_bytes.iter().sum())?;
        self.on_device.fit(&**device, segment, self.program.graph())?;
        self.cost.device_bytes = self.cost.device_bytes.max(self.on_device.bytes());
        Ok(())
    }

    pub(super) async fn stretch(
        &mut self,
        segment: &Segment,
        task: usize,
        steps: &[DeviceStep],
    ) -> Result<()> {
        let device = self.placement()?.device();
        let timer = Timer::start(self.cx.profile);
        let recording = self.on_device.recording(&**device, segment, task)?;
        let cx = self.cx;
        let times = match timer.is_wanted() {
            true => device.replay_timed(recording, &|| cx.check()).await?,
            false => device.replay(recording, &|| cx.check()).await.map(|()| None)?,
        };
        self.unread |= steps.iter().any(|step| segment.checks.iter().any(|(node, _)| *node == step.node));
        let launches: usize = steps.iter().map(|step| step.launches.len()).sum();
        self.cost.launches += launches;
        timer.stop_stretch(&self.program.graph().nodes, steps, device.name(), times);
        Ok(())
    }

    pub(super) fn upload(&mut self, copies: &[Upload]) -> Result<()> {
        let device = self.placement()?.device();
        for copy in copies {
            let to = self.on_device.slot(copy.to.slot)?;
            let StepIn::Tensor(id, dtype, shape, home) = &copy.from else {
                bail!(Internal, "only a tensor can be copied to the device");
            };
            let bytes = byte_count(*dtype, shape)?;
            match home {
                Home::Arena(slot) => {
                    let bytes = self.arena.as_ref().get(slot.offset..slot.offset + bytes);
                    device.write(to, bytes.ok_or_else(|| err!(Internal, "a slot is past the arena"))?)?;
                }
                Home::Known(tensor) => device.write(to, tensor.view().bytes())?,
                Home::Owned(owner) => match &self.owned[owner.at()] {
                    Some(Value::Tensor(tensor)) => device.write(to, tensor.view().bytes())?,
                    _ => bail!(Internal, "value {} is gone", id.0),
                },
                Home::Device(_) => bail!(Internal, "value {} lies on the device already", id.0),
            }
        }
        self.cost.uploads += copies.len();
        Ok(())
    }

    pub(super) async fn download(&mut self, copies: &[Download]) -> Result<()> {
        let mut wanted = Vec::with_capacity(copies.len());
        for copy in copies {
            let (Destination::Arena(_, dtype, shape, _) | Destination::Owned(_, dtype, shape)) = &copy.to
            else {
                bail!(Internal, "a copy from the device goes nowhere");
            };
            wanted.push((self.on_device.slot(copy.from.slot)?.clone(), byte_count(*dtype, shape)?));
        }
        let came = self.read(wanted).await?;
        ensure!(came.len() == copies.len(), Internal, "{} of {} copies came", came.len(), copies.len());
        for (copy, bytes) in copies.iter().zip(came) {
            match &copy.to {
                Destination::Arena(_, _, _, slot) => {
                    let to = self.arena.as_mut().get_mut(slot.offset..slot.offset + slot.bytes);
                    let to = to.filter(|to| to.len() == bytes.len());
                    to.ok_or_else(|| err!(Internal, "a slot is past the arena"))?.copy_from_slice(&bytes);
                }
                Destination::Owned(id, dtype, shape) => {
                    self.afford(bytes.len() as u64)?;
                    self.keep(*id, tensor(*dtype, shape, &bytes)?.into())?;
                }
                Destination::Unwanted | Destination::Made(..) => {}
            }
        }
        self.cost.downloads += copies.len();
        Ok(())
    }

    /// One tensor from the device, for the host to look at.
    pub(super) async fn fetch(&mut self, dtype: DType, shape: &[usize], at: DeviceSlot) -> Result<Tensor> {
        let wanted = vec![(self.on_device.slot(at.slot)?.clone(), byte_count(dtype, shape)?)];
        let mut came = self.read(wanted).await?;
        self.cost.downloads += 1;
        let bytes = came.pop().ok_or_else(|| err!(Internal, "nothing came from the device"))?;
        tensor(dtype, shape, &bytes)
    }

    /// Copies memories to the host. In the same go it hears of what launches have found wrong, and fails there.
    async fn read(&mut self, mut wanted: Vec<(Memory, usize)>) -> Result<Vec<Vec<u8>>> {
        if self.unread {
            wanted.push((self.on_device.status()?.clone(), 4 * self.checks.len()));
        }
        let cx = self.cx;
        let mut came = self.placement()?.device().read(&wanted, &|| cx.check()).await?;
        if std::mem::take(&mut self.unread) {
            let status = came.pop().unwrap_or_default();
            let words = status.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
            for ((node, check), word) in self.checks.iter().zip(words) {
                let node = &self.program.graph().nodes[*node];
                check.verdict(word).map_err(|e| e.at_node(&node.name, &node.op_name))?;
            }
        }
        Ok(came)
    }

    /// Hears of what launches have found wrong, if nothing was copied since.
    pub(super) async fn hear(&mut self) -> Result<()> {
        if self.unread {
            self.read(Vec::new()).await?;
        }
        Ok(())
    }
}

fn tensor(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Tensor> {
    Tensor::from_buffer(dtype, shape, crate::Buffer::copy_of(bytes)?)
}
