//! The table of kernels: which file lowers which operator.
//!
//! A file `foo.rs` here is named as in core's `ops/` and `cpu/`. It says whether the GPU takes a node (`lower`),
//! and what to launch for its sizes; what is computed stands in `foo.wgsl` beside it. There is no second place
//! that says what the GPU can do: `lower` answers with a kernel or with `None`.

mod narrow;
mod product;
mod scales;
mod shared;
mod windows;

use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{DeviceKernel, Lowered};
use edgewise_core::ops::Op;

/// What `lower` answers with.
type Kernel = Option<Box<dyn DeviceKernel>>;

/// Each file with the operators that it lowers, and its files of WGSL.
macro_rules! kernels {
    ($($file:ident: [$($Op:ident)*] [$($shader:ident)*];)*) => {
        $(mod $file;)*

        /// A kernel for the node, where there is one.
        pub fn lower(gpu: &Gpu, node: &Lowered<'_>) -> Result<Kernel> {
            match &node.node.op {
                $($(Op::$Op(op) => $file::lower(gpu, op, node),)*)*
                _ => Ok(None),
            }
        }

        #[cfg(test)]
        static SHADERS: &[&crate::shader::Shader] = &[$($(&$file::$shader,)*)*];
    };
}

kernels! {
    // Element by element.
    activation: [Activation] [SHADER];
    binary: [Binary] [SHADER];
    cast: [Cast] [SHADER];
    clip: [Clip] [SHADER];
    compare: [Compare] [SHADER];
    unary: [Unary] [SHADER];
    variadic: [Variadic] [];
    where_: [Where] [SHADER];

    // Moving elements.
    concat: [Concat] [];
    copy: [] [WORDS PACKED];
    expand: [Expand] [];
    gather: [Gather] [SHADER];
    pad: [Pad] [SHADER];
    slice: [Slice] [];
    split: [Split] [];
    transpose: [Transpose] [];

    // Quantization.
    dequantize_linear: [DequantizeLinear] [SHADER];
    dynamic_quantize_linear: [DynamicQuantizeLinear] [SHADER];
    quantize_linear: [QuantizeLinear] [SHADER];

    // Products, windows and rows.
    conv: [Conv] [TILES FEW];
    layer_normalization: [LayerNormalization] [SHADER];
    matmul: [MatMul] [SHADER];
    matmul_integer: [MatMulInteger] [SHADER];
    matmul_integer_to_float: [MatMulIntegerToFloat] [];
    qlinear_conv: [QLinearConv] [SHADER];
    qlinear_matmul: [QLinearMatMul] [];
    requantize: [] [SHADER];
    scale_sums: [] [SHADER];
    gemm: [Gemm] [];
    linear: [Linear] [];
    global_pool: [GlobalPool] [];
    max_pool: [MaxPool] [SHADER];
    reduce: [Reduce] [SHADER];
    simplified_layer_normalization: [SimplifiedLayerNormalization] [];
    skip_layer_normalization: [SkipLayerNormalization] [];
    softmax: [Softmax] [SHADER];
}

#[cfg(test)]
mod tests;
