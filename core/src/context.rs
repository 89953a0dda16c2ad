//! A conversation with a model: what it said of the past goes back in with the next run.
//!
//! Exporters write caches as pairs of an input and an output, `past_key_values.0.key` and `present.0.key`. A
//! [`Context`] owns them: callers give the other inputs and get the other outputs. What a reader would get
//! wrong: a session may run any number of contexts at once, but one context runs one thing at a time.
//! Until that is done the past is what it was; whoever would change it is told that it is busy.

use crate::cpu::slice_axis;
use crate::run::{Cost, Placed};
use crate::{Port, Result, RunOptions, Session, Tensor, Value};
use edgewise_pool::lock;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Mutex;

/// What an output's name begins with, and what the input's that takes it back begins with.
const PAIRS: &[(&str, &str)] = &[
    ("present_key_values.", "past_key_values."),
    ("present.", "past_key_values."),
    ("present.", "past."),
    ("present_", "past_"),
    ("present", "past"),
];

/// An output that goes back in as an input.
#[derive(Clone, Debug)]
struct Pair {
    input: usize,
    output: usize,
    /// The axis along which it grows; `None` where its size is fixed, as a recurrent state's is.
    axis: Option<usize>,
}

/// A session with a past. It borrows the session, or shares it (`Context<Arc<Session>>`).
pub struct Context<S> {
    session: S,
    pairs: Vec<Pair>,
    state: Mutex<State>,
}

/// The past: one tensor per pair, none before the first run. Where a device makes and takes it, it stays there.
#[derive(Clone, Default)]
struct State {
    tensors: Vec<Placed>,
    /// Whether somebody is about to change it.
    is_taken: bool,
}

/// The past in somebody's hands. It is as it was before, unless it was [replaced](Taken::replace).
struct Taken<'c> {
    state: &'c Mutex<State>,
    tensors: Vec<Placed>,
}

impl Taken<'_> {
    fn replace(self, tensors: Vec<Placed>) {
        lock(self.state).tensors = tensors;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        lock(self.state).is_taken = false;
    }
}

impl Session {
    /// A context without a past. A model without caches has one too; then it holds nothing.
    pub fn context(&self) -> Context<&Session> {
        Context::new(self)
    }
}

impl<S: Deref<Target = Session>> Context<S> {
    /// A context of that session without a past.
    pub fn new(session: S) -> Context<S> {
        Context { pairs: pairs(&session), session, state: Mutex::default() }
    }

    /// What callers give: the session's inputs without the past.
    pub fn inputs(&self) -> Vec<&Port> {
        let past = |i| self.pairs.iter().any(|pair| pair.input == i);
        self.session.inputs().iter().enumerate().filter(|(i, _)| !past(*i)).map(|(_, port)| port).collect()
    }

    /// What callers get: the session's outputs without the past.
    pub fn outputs(&self) -> Vec<&Port> {
        let past = |i| self.pairs.iter().any(|pair| pair.output == i);
        self.session.outputs().iter().enumerate().filter(|(i, _)| !past(*i)).map(|(_, port)| port).collect()
    }

    /// Runs on the inputs that are not part of the past; gives the outputs that are not, in the model's
    /// order. `Busy` if the context is running already. A run that fails leaves the past as it was. Where a device is
    /// awaited, this waits for it: on the web that is an error, and there is [`run_placed`](Context::run_placed).
    pub fn run(
        &self,
        inputs: &[(&str, Value)],
        options: &RunOptions<'_>,
    ) -> Result<(Vec<(&str, Value)>, Cost)> {
        let inputs = inputs.iter().map(|(name, value)| (*name, Placed::Host(value.clone()))).collect();
        let (outputs, cost) = waited(self.run_placed(inputs, &RunOptions { on_device: &[], ..*options }))?;
        let outputs = outputs.into_iter().map(|(name, placed)| Ok((name, placed.value()?)));
        Ok((outputs.collect::<Result<_>>()?, cost))
    }

    /// The same with inputs that may lie on the session's device, and outputs that may [stay](RunOptions::on_device)
    /// there. One that is given up leaves the past as it was.
    pub async fn run_placed(
        &self,
        inputs: Vec<(&str, Placed)>,
        options: &RunOptions<'_>,
    ) -> Result<(Vec<(&str, Placed)>, Cost)> {
        let past = self.take()?;
        let session = &*self.session;
        let wanted = session.wanted(options.outputs)?;
        let carried: Vec<usize> = self.pairs.iter().map(|pair| pair.output).collect();
        if let Some(&i) = wanted.iter().flatten().find(|i| carried.contains(i)) {
            let name = session.outputs().get(i).map_or("", |port| &port.name);
            bail!(InvalidInput, "'{name}' is a part of the past, which the context keeps");
        }
        let symbols = symbols(session.inputs(), &inputs);
        let mut all = inputs;
        for (i, pair) in self.pairs.iter().enumerate() {
            let port = &session.inputs()[pair.input];
            let value = match past.tensors.get(i) {
                Some(tensor) => tensor.clone(),
                None => Placed::Host(pair.empty(port, &symbols)?.into()),
            };
            all.push((port.name.as_str(), value));
        }
        let stay = session.wanted(Some(options.on_device))?.unwrap_or_default();
        let (outputs, cost) = session.run_carrying(all, &[&carried[..], &stay].concat(), options).await?;
        past.replace(carried.iter().map(|&i| outputs[i].clone()).collect());
        let is_asked = |i: usize| wanted.as_ref().is_none_or(|wanted| wanted.contains(&i));
        let rest = session.outputs().iter().zip(outputs).enumerate();
        let rest = rest.filter(|(i, _)| !carried.contains(i) && is_asked(*i));
        Ok((rest.map(|(_, (port, placed))| (port.name.as_str(), placed)).collect(), cost))
    }

    /// How many positions the past has; 0 where no cache grows.
    pub fn len(&self) -> Result<usize> {
        let past = lock(&self.state);
        let grown =
            self.pairs.iter().zip(&past.tensors).find_map(|(pair, t)| t.shape()?.get(pair.axis?).copied());
        Ok(grown.unwrap_or(0))
    }

    /// Whether there is no past.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// How many positions fit without more memory.
    pub fn capacity(&self) -> Result<usize> {
        self.len()
    }

    /// Forgets everything from position `len` on. An error where a part of the past has no positions. Waits for a
    /// device, as [`run`](Context::run) does.
    pub fn truncate(&self, len: usize) -> Result<()> {
        waited(self.truncate_async(len))
    }

    /// The same, as a future.
    pub async fn truncate_async(&self, len: usize) -> Result<()> {
        let past = self.take()?;
        let mut cut = Vec::with_capacity(past.tensors.len());
        for (pair, tensor) in self.pairs.iter().zip(&past.tensors) {
            let name = &self.session.inputs()[pair.input].name;
            let axis = pair.axis.ok_or_else(|| err!(Unsupported, "'{name}' has no positions to cut off"))?;
            let have = tensor.shape().and_then(|shape| shape.get(axis).copied()).unwrap_or(0);
            cut.push(match len < have {
                true => Placed::Host(slice_axis(&on_host(tensor).await?, axis, 0..len)?.into()),
                false => tensor.clone(),
            });
        }
        past.replace(cut);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&self) -> Result<()> {
        self.take()?.replace(Vec::new());
        Ok(())
    }

    /// Another context with the same past; the memory is shared until one of them goes on.
    pub fn fork(&self) -> Result<Context<S>>
    where
        S: Clone,
    {
        let state = State { tensors: lock(&self.state).tensors.clone(), is_taken: false };
        Ok(Context { session: self.session.clone(), pairs: self.pairs.clone(), state: Mutex::new(state) })
    }

    fn take(&self) -> Result<Taken<'_>> {
        let mut state = lock(&self.state);
        ensure!(!state.is_taken, Busy, "the context is running already");
        state.is_taken = true;
        Ok(Taken { state: &self.state, tensors: state.tensors.clone() })
    }
}

/// A part of the past for the host to look at.
async fn on_host(part: &Placed) -> Result<Tensor> {
    match part {
        Placed::Host(value) | Placed::Both(value, _) => value.tensor().cloned(),
        Placed::Device(tensor) => tensor.fetch().await,
    }
}

/// What a future gives: a context waits for the device, which a page must never do.
fn waited<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    #[cfg(not(target_family = "wasm"))]
    return crate::block_on(future);
    #[cfg(target_family = "wasm")]
    crate::run::at_once(future)
}

impl Pair {
    /// The past before the first run: nothing along the axis that grows, zeros where the size is fixed.
    fn empty(&self, port: &Port, symbols: &BTreeMap<String, i64>) -> Result<Tensor> {
        let unknown = || {
            err!(InvalidInput, "the sizes of '{}' ({}) do not follow from the inputs", port.name, port.fact)
        };
        let dtype = port.fact.dtype().ok_or_else(unknown)?;
        let mut sizes = Vec::new();
        for (axis, dim) in port.fact.dims.as_ref().ok_or_else(unknown)?.iter().enumerate() {
            let size = dim.eval(&|name| symbols.get(name).copied());
            sizes.push(match size.and_then(|n| usize::try_from(n).ok()) {
                Some(n) if self.axis != Some(axis) => n,
                _ if self.axis == Some(axis) => 0,
                _ => return Err(unknown()),
            });
        }
        Tensor::zeros(dtype, &sizes)
    }
}

/// What the symbols of the declared inputs turn out to be.
fn symbols(ports: &[Port], inputs: &[(&str, Placed)]) -> BTreeMap<String, i64> {
    let mut symbols = BTreeMap::new();
    for port in ports {
        let given = inputs.iter().find(|(name, _)| *name == port.name);
        let shape = given.and_then(|(_, value)| value.shape());
        let (Some(shape), Some(dims)) = (shape, &port.fact.dims) else { continue };
        for (dim, &size) in dims.iter().zip(shape) {
            symbols.insert(dim.to_string(), size as i64);
        }
    }
    symbols
}

fn pairs(session: &Session) -> Vec<Pair> {
    let mut found: Vec<Pair> = Vec::new();
    for (output, out) in session.outputs().iter().enumerate() {
        let input = PAIRS.iter().find_map(|(present, past)| {
            let name = format!("{past}{}", out.name.strip_prefix(present)?);
            session.inputs().iter().position(|port| port.name == name)
        });
        let Some(input) = input.filter(|&i| session.inputs()[i].fact.kind == out.fact.kind) else { continue };
        if found.iter().all(|pair| pair.input != input) {
            found.push(Pair { input, output, axis: growing_axis(&session.inputs()[input], out) });
        }
    }
    found
}

/// The first axis on which the output's size is another one than the input's.
fn growing_axis(input: &Port, output: &Port) -> Option<usize> {
    let (a, b) = (input.fact.dims.as_ref()?, output.fact.dims.as_ref()?);
    let fixed = |i: usize| a[i] == b[i] || a[i].known().is_some();
    (0..a.len().min(b.len())).find(|&i| !fixed(i))
}
