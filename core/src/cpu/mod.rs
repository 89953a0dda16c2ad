//! The CPU device: what every operator means. One file per operator, named as in [`ops`](crate::ops).
//!
//! Here the plain, portable kernels live; they are the reference for every faster one and for every other
//! device.

#[macro_use]
mod real;
pub(crate) mod broadcast;
pub(crate) mod convert;
mod eval;
mod flow;
mod io;
mod map;
mod mersenne;
mod movable;
mod pick;
mod pool;
mod strided;
mod vector;

#[cfg(test)]
pub(crate) use eval::testing;
pub use eval::{eval, eval_one};
pub use flow::{Body, Flow, Given};
pub use io::{In, Io, Out, RunContext};
pub use pool::Pool;
pub use resample::Taps;
pub use softmax::{softmax_fuses, softmax_sums};
pub(crate) use stack::slice_axis;

use crate::device::Device;
use crate::graph::{Fact, Graph, Inside};
use crate::plan::Program;
use crate::{Result, View};
use std::sync::Arc;

/// What a kernel can know when it is made.
pub struct Lowering<'a> {
    /// The node's constant inputs.
    pub inputs: &'a [Option<&'a Fact>],
    /// Which inputs there are.
    pub present: &'a [bool],
    /// A device beside the host, and what is known of the node's graphs.
    pub beside: Option<(&'a Arc<dyn Device>, &'a [Inside])>,
}

impl<'a> Lowering<'a> {
    /// Whether input `i` is there.
    pub fn has(&self, i: usize) -> bool {
        self.present.get(i).copied().unwrap_or(false)
    }

    /// The elements of input `i`, if it is a constant.
    pub fn constant(&self, i: usize) -> Option<View<'a>> {
        self.inputs.get(i).copied().flatten()?.view()
    }

    /// Whether input `i` is there and no constant.
    pub fn varies(&self, i: usize) -> bool {
        self.has(i) && self.constant(i).is_none()
    }

    /// Compiles a subgraph to be run by the kernel, on the host.
    pub fn compile(&self, graph: &Graph) -> Result<Program> {
        Program::compile(graph.clone())
    }

    /// Compiles the node's graph of that number, beside the device if there is one.
    pub fn compile_body(&self, number: usize, graph: &Graph) -> Result<Program> {
        match self.beside.and_then(|(device, inside)| Some((device, inside.get(number)?))) {
            Some((device, inside)) => Program::compile_inside(graph.clone(), device.clone(), inside),
            None => self.compile(graph),
        }
    }
}

/// Additions and multiplications of a product whose every output element sums so many terms.
fn products_per_output(outputs: &[&[usize]], terms: usize) -> Option<u64> {
    let elements: usize = outputs.first()?.iter().product();
    (elements as u64).checked_mul(2)?.checked_mul(terms as u64)
}

// A file per operator or family, in the groups of the table in `ops`.

// Element by element.
pub(crate) mod activation;
mod bernoulli;
mod binary;
mod bit_cast;
mod cast;
mod chain;
mod clip;
mod compare;
mod dropout;
mod gated;
mod identity;
mod is_nan;
mod multinomial;
mod packed_swiglu;
mod random;
mod unary;
mod variadic;
mod where_;

// Quantization.
mod byte_table;
mod dequantize_linear;
mod dynamic_quantize_linear;
mod qlinear_activation;
mod qlinear_elementwise;
mod qlinear_where;
mod quantize_linear;

// Moving elements.
mod center_crop_pad;
mod col2im;
mod compress;
mod concat;
mod constant_of_shape;
mod depth_to_space;
mod expand;
mod eye_like;
mod flatten;
mod gather;
mod gather_elements;
mod gather_nd;
mod non_zero;
mod one_hot;
mod pad;
mod qlinear_concat;
mod range;
mod reshape;
mod reverse_sequence;
mod scatter;
mod scatter_elements;
mod scatter_nd;
mod shape;
mod size;
mod slice;
mod split;
mod squeeze;
mod tensor_scatter;
mod tile;
mod transpose;
mod trilu;
mod unique;

// Products, convolutions, pooling, normalization, recurrence.
mod batch_normalization;
mod bytes;
mod conv;
mod conv_transpose;
mod cross_entropy;
mod deform_conv;
mod det;
mod dynamic_quantize_lstm;
mod einsum;
mod fused_activation;
mod fused_dequantize;
mod gemm;
mod global_pool;
mod group_normalization;
mod in_f32;
mod layer_normalization;
mod linear;
mod lp_normalization;
mod lrn;
mod matmul;
mod matmul_integer;
mod matmul_integer_to_float;
mod max_pool;
mod max_unpool;
mod mean_variance_normalization;
mod normalize;
pub(crate) mod packed_conv_f32;
mod packed_conv_i8;
pub(crate) mod packed_conv_transpose;
mod packed_conv_transpose_i8;
mod packed_i8;
#[cfg(test)]
mod packed_i8_tests;
mod packed_product;
mod panels;
pub(crate) mod phases;
mod product;
mod qgemm;
mod qlinear_average_pool;
mod qlinear_conv;
mod qlinear_conv_transpose;
mod qlinear_matmul;
mod recurrence;
mod recurrent_cell;
mod rnn;
mod seen;
mod softmax;
mod stem;
mod turn;
mod window;
mod winograd;

// Reductions and searches.
mod arg_max;
mod cum_sum;
mod qlinear_reduce_mean;
mod reduce;
mod top_k;

// Attention and transformers.
mod attention;
mod attention_bias;
mod attention_blocks;
mod attention_core;
mod bias_softmax;
mod causal_conv_with_state;
mod dot;
mod embed_layer_normalization;
mod flex_attention;
mod gather_block_quantized;
mod group_query_attention;
mod kv_cache;
mod linear_attention;
mod matmul_nbits;
mod multi_head;
mod multi_head_attention;
mod ngram_repeat_block;
mod norm_row;
pub(crate) mod packed_bits;
mod padding_mask;
mod projected_attention;
mod projection;
mod qlinear_softmax;
mod rotary_embedding;
mod simplified_layer_normalization;
mod skip_layer_normalization;
mod wide;

// Signals and images.
mod affine_grid;
mod dft;
mod fft;
mod grid_sample;
#[cfg(feature = "image")]
mod image_decoder;
#[cfg(feature = "image")]
mod jpeg;
mod non_max_suppression;
mod resample;
mod resize;
mod rois;
mod signal_window;

// Control flow, sequences, optionals.
mod concat_from_sequence;
mod if_;
mod loop_;
mod optional;
mod scan;
mod sequence;
mod sequence_map;
mod split_to_sequence;
mod stack;

// Text.
#[cfg(feature = "text")]
mod text;
mod tfidf_vectorizer;

// Classical machine learning.
#[cfg(feature = "ml")]
mod class_scores;
#[cfg(feature = "ml")]
mod features;
#[cfg(feature = "ml")]
mod label_encoder;
#[cfg(feature = "ml")]
mod linear_model;
#[cfg(feature = "ml")]
mod ml_maps;
#[cfg(feature = "ml")]
mod svm;
#[cfg(feature = "ml")]
mod tree_ensemble;

// Training.
#[cfg(feature = "ml")]
mod optimizer;

/// What runs for one node.
pub trait Kernel: Send + Sync {
    /// Computes the outputs.
    fn run(&self, io: &mut Io<'_>) -> Result<()>;

    /// Pairs (input, output): the output may lie where the input lay, if nobody needs the input afterwards
    /// and both have the same bytes. [`Io::placed`] tells the kernel that it is so.
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[]
    }

    /// Whether output 0 is input 0's elements, unchanged, under another shape; then nothing needs to run.
    fn is_alias(&self) -> bool {
        false
    }

    /// Additions and multiplications that it does on those shapes, where that says something of its speed.
    fn operations(&self, _inputs: &[&[usize]], _outputs: &[&[usize]]) -> Option<u64> {
        None
    }

    /// A kernel made for this very node, where that pays: weights packed, subgraphs compiled. `None`: the
    /// operator itself runs.
    fn lower(&self, _cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(None)
    }

    /// The constant inputs that it has taken into a form of its own: it finds them left out when it runs, and
    /// if nobody else needs them they are forgotten.
    fn packed(&self) -> &[usize] {
        &[]
    }

    /// The same as what runs graphs beside a device, if it does.
    fn flow(&self) -> Option<&dyn Flow> {
        None
    }

    /// Bytes that [`Io::scratch`] gives it, from the shapes of its inputs and outputs.
    fn scratch_bytes(&self, _inputs: &[&[usize]], _outputs: &[&[usize]]) -> Result<usize> {
        Ok(0)
    }
}
