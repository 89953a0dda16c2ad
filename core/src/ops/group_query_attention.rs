//! GroupQueryAttention (com.microsoft): the attention of decoders, with its cache and its rotation.
//!
//! Inputs: query [batch, sequence, heads * size] (or query, key and value packed), key, value, past key,
//! past value [batch, kv heads, cache, size], total lengths - 1 per batch, the longest total length, cos,
//! sin, position ids, attention bias, sinks, scales of a quantized cache (two), weights of a norm over each
//! head of query and key (two). Outputs: result, present key, present value, scores.
//! f32, f16 or bf16; the cache may be i8, two 4-bit codes in a u8, or E4M3 floats.

use super::heads::Part;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// How a cache of quantized keys or values is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScale {
    /// It is not quantized.
    None,
    /// By one number.
    Tensor,
    /// By a number per head and channel.
    Channel,
}

/// Which scores are an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Scores {
    None,
    BeforeSoftmax,
    AfterSoftmax,
}

/// GroupQueryAttention.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are the attributes'")]
pub struct GroupQueryAttention {
    pub heads: usize,
    pub kv_heads: usize,
    /// Of the scores; `None`: 1 / sqrt(size of a head).
    pub scale: Option<f32>,
    pub softcap: f32,
    pub causal: bool,
    /// How many positions a query sees, its own included; `None`: all.
    pub window: Option<usize>,
    /// The cache holds little more than the window.
    pub window_cache: bool,
    pub rotary: bool,
    pub interleaved: bool,
    /// A sink of 0 in every head.
    pub smooth_softmax: bool,
    pub scores: Scores,
    pub norm_epsilon: f32,
    pub k_scale: CacheScale,
    pub v_scale: CacheScale,
    /// Bits of a quantized cache.
    pub cache_bits: i64,
}

impl Operator for GroupQueryAttention {
    fn parse(a: &mut Attrs) -> Result<GroupQueryAttention> {
        a.arity(7..=16, 1..=4)?;
        let (heads, kv_heads) = (a.int_or("num_heads", 0)?, a.int_or("kv_num_heads", 0)?);
        ensure!(
            heads > 0 && kv_heads > 0 && heads % kv_heads == 0,
            InvalidModel,
            "num_heads must be a multiple of kv_num_heads, got {heads} and {kv_heads}"
        );
        let (window, causal) = (a.int_or("local_window_size", -1)?, a.flag("causal", true)?);
        let window_cache = a.flag("sliding_window_cache", false)?;
        ensure!(window > 0 || !window_cache, InvalidModel, "sliding_window_cache needs local_window_size");
        ensure!(window < 0 || causal, InvalidModel, "local_window_size needs causal attention");
        let mut quantized = |name: &str| {
            a.choice(
                name,
                &[
                    ("NONE", CacheScale::None),
                    ("PER_TENSOR", CacheScale::Tensor),
                    ("PER_CHANNEL", CacheScale::Channel),
                ],
            )
        };
        let (k_scale, v_scale) = (quantized("k_quant_type")?, quantized("v_quant_type")?);
        Ok(GroupQueryAttention {
            heads: heads as usize,
            kv_heads: kv_heads as usize,
            scale: a.float("scale")?.filter(|&scale| scale != 0.0),
            softcap: a.float_or("softcap", 0.0)?,
            causal,
            window: usize::try_from(window).ok(),
            window_cache,
            rotary: a.flag("do_rotary", false)?,
            interleaved: a.flag("rotary_interleaved", false)?,
            smooth_softmax: a.int_or("smooth_softmax", -1)? == 1,
            scores: match a.int_or("qk_output", 0)? {
                0 => Scores::None,
                1 => Scores::BeforeSoftmax,
                2 => Scores::AfterSoftmax,
                other => bail!(InvalidModel, "qk_output must be 0, 1 or 2, got {other}"),
            },
            norm_epsilon: a.float_or("qk_norm_epsilon", 1e-6)?,
            k_scale,
            v_scale,
            cache_bits: a.int_or("kv_cache_bit_width", 0)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let (heads, kv_heads) = (Dim::from(self.heads), Dim::from(self.kv_heads));
        let all_heads = heads.clone() + kv_heads.clone() * Dim::from(2);
        let Some(query) = cx.dims(0) else {
            cx.set_tensor(0, dtype, None);
            for (i, past) in [(1, 3), (2, 4)] {
                let cache = self.cache_dtype(cx, past, dtype);
                cx.set_tensor(i, cache, None);
            }
            cx.set_tensor(3, dtype, None);
            return Ok(());
        };
        let [batch, sequence, hidden] = query.as_slice() else {
            bail!(InvalidModel, "the query must have three axes, got {query:?}")
        };
        let size = hidden.div_floor(if cx.has(1) { &heads } else { &all_heads });
        let result = [batch.clone(), sequence.clone(), heads.clone() * size.clone()];
        cx.set_tensor(0, dtype, Some(Dims::from_iter(result)));

        let total = match cx.ints(6) {
            Some(total) if total.len() == 1 => total[0].clone(),
            Some(total) => bail!(InvalidModel, "total_sequence_length must be one number, got {total:?}"),
            None => cx.unknown_dim(),
        };
        ensure!(
            total.known().is_none_or(|total| total >= 0),
            InvalidInput,
            "total_sequence_length must not be negative, got {total}"
        );
        for (i, past) in [(1, 3), (2, 4)] {
            let cache = self.cache_dtype(cx, past, dtype);
            let (len, width) = match cx.dims(past).map(Dims::as_slice) {
                Some([_, _, len, width]) if self.window_cache => (len.clone(), width.clone()),
                Some([_, _, len, width]) => (len.larger(&total), width.clone()),
                Some(dims) => bail!(InvalidModel, "input {past} must have four axes, got {dims:?}"),
                None if cx.has(past) => (cx.unknown_dim(), cx.unknown_dim()),
                None if cache == DType::U8 => (total.clone(), size.div_ceil(&Dim::from(2))),
                None => (total.clone(), size.clone()),
            };
            cx.set_tensor(i, cache, Some(Dims::from_iter([batch.clone(), kv_heads.clone(), len, width])));
        }
        let scores = [batch.clone(), heads, sequence.clone(), total];
        cx.set_tensor(3, dtype, Some(Dims::from_iter(scores)));
        Ok(())
    }
}

impl GroupQueryAttention {
    /// Which input query, key and value come from, and where they lie in it, for inputs of those shapes.
    pub fn parts(
        &self,
        query: &[usize],
        key: Option<&[usize]>,
        value: Option<&[usize]>,
    ) -> Result<[(usize, Part); 3]> {
        let &[batch, sequence, hidden] = query else {
            bail!(InvalidModel, "the query must have three axes, got {query:?}")
        };
        let packed = key.is_none();
        let heads = if packed { self.heads + 2 * self.kv_heads } else { self.heads };
        let size = hidden / heads;
        ensure!(size * heads == hidden, InvalidModel, "{hidden} numbers are not {heads} heads");
        let kv_hidden = self.kv_heads * size;
        if packed {
            let part = |from, heads| (0, Part::columns([batch, sequence, hidden], from, [heads, size]));
            let keys = self.heads * size;
            return Ok([
                part(0, self.heads),
                part(keys, self.kv_heads),
                part(keys + kv_hidden, self.kv_heads),
            ]);
        }
        let expected = [batch, sequence, kv_hidden];
        ensure!(
            [key, value] == [Some(&expected[..]); 2],
            InvalidModel,
            "key and value must be {expected:?}, got {key:?} and {value:?}"
        );
        let part = |heads| Part::by_position([batch, sequence, heads, size]);
        Ok([(0, part(self.heads)), (1, part(self.kv_heads)), (2, part(self.kv_heads))])
    }

    /// The type of a cache: that of what came before, where anything did.
    fn cache_dtype(&self, cx: &Infer<'_>, past: usize, plain: DType) -> DType {
        let scale = if past == 3 { self.k_scale } else { self.v_scale };
        match (cx.optional(past).and_then(|fact| fact.dtype()), scale, self.cache_bits) {
            (Some(dtype), ..) => dtype,
            (None, CacheScale::None, _) => plain,
            (None, _, 4) => DType::U8,
            (None, ..) => DType::I8,
        }
    }
}
