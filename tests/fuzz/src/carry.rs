//! Runs whose inputs lie on a device before, and whose outputs stay there.

use crate::choices::Choices;
use crate::judge;
use edgewise_core::cpu::{Pool, RunContext};
use edgewise_core::device::{DeviceTensor, device_bytes};
use edgewise_core::plan::Program;
use edgewise_core::run::{self, Placed};
use edgewise_core::{Result, Tensor, Value, block_on};
use std::sync::atomic::AtomicBool;

/// What was left on the device, and what it held then.
#[derive(Default)]
pub struct Left(Vec<(DeviceTensor, Tensor)>);

impl Left {
    /// Runs a program with some inputs on its device, keeps some outputs there, and gives all of them.
    pub fn run(
        &mut self,
        program: &Program,
        inputs: Vec<Value>,
        choices: &mut Choices<'_>,
    ) -> Option<Vec<Value>> {
        let mut placed = Vec::new();
        for value in inputs {
            placed.push(match choices.once_in(2) {
                true => self.lend(program, &value).expect("a device has memory"),
                false => Placed::Host(value),
            });
        }
        let kept = program.graph().outputs.iter().copied().filter(|_| choices.once_in(2)).collect();
        let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
        let cx = RunContext::new(&pool, &cancel);
        let (outputs, _) = judge(block_on(run::run_carrying(program, placed, kept, &cx)))?;
        Some(outputs.into_iter().map(|output| self.fetched(output)).collect())
    }

    /// Nothing that lies on the device may have changed since.
    pub fn check(&self) {
        for (tensor, expected) in &self.0 {
            let there = block_on(tensor.fetch()).expect("it lies on the device");
            assert_eq!(there.view().bytes(), expected.view().bytes(), "what was left there has changed");
        }
    }

    fn lend(&mut self, program: &Program, value: &Value) -> Result<Placed> {
        let (tensor, placement) = (value.tensor()?, program.placement().expect("there is a device"));
        let bytes = tensor.view().bytes();
        let memory = placement.device().allocate(device_bytes(bytes.len()), "an input")?;
        placement.device().write(&memory, bytes)?;
        let device = placement.device().clone();
        let lent = DeviceTensor { device, dtype: tensor.dtype(), shape: tensor.shape().into(), memory };
        self.0.push((lent.clone(), tensor.clone()));
        Ok(Placed::Device(lent))
    }

    fn fetched(&mut self, output: Placed) -> Value {
        match output {
            Placed::Host(value) | Placed::Both(value, _) => value,
            Placed::Device(tensor) => {
                let there = block_on(tensor.fetch()).expect("it lies on the device");
                self.0.push((tensor, there.clone()));
                there.into()
            }
        }
    }
}
