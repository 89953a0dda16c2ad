//! The table of kernels: which file lowers which operator.
//!
//! A file `foo.rs` here is named as in core's `ops/` and `cpu/`. It says whether the GPU takes a node (`lower`),
//! and what to launch for its sizes; what is computed stands in `foo.wgsl` beside it. There is no second place
//! that says what the GPU can do: `lower` answers with a kernel or with `None`.

mod packed_bytes;
mod shared;

use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{DeviceKernel, Lowered};
use edgewise_core::ops::Op;

/// What `lower` answers with.
type Kernel = Option<Box<dyn DeviceKernel>>;

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
    activation: [Activation] [SHADER];
    arrange: [] [SHADER];
    byte_max_pool: [MaxPool] [];
    byte_pool: [] [SHADER];
    byte_product: [] [TILES FEW_ROWS DEPTHWISE];
    byte_table: [ByteTable] [SHADER];
    dequantize_linear: [DequantizeLinear] [SHADER];
    dynamic_quantize_linear: [DynamicQuantizeLinear] [SHADER];
    fused_dequantize: [FusedDequantize] [SHADER];
    gather_block_quantized: [GatherBlockQuantized] [SHADER];
    matmul_integer: [MatMulInteger] [];
    matmul_integer_to_float: [MatMulIntegerToFloat] [];
    matmul_nbits: [MatMulNBits] [FLOATS FLOAT_TILES ROUNDED INTEGERS INTEGER_TILES];
    qgemm: [QGemm] [];
    qlinear_activation: [QLinearActivation] [];
    qlinear_average_pool: [QLinearAveragePool] [];
    qlinear_concat: [QLinearConcat] [SHADER];
    qlinear_conv: [QLinearConv] [];
    qlinear_elementwise: [QLinearElementwise] [SHADER];
    qlinear_matmul: [QLinearMatMul] [];
    qlinear_reduce_mean: [QLinearReduceMean] [SHADER];
    qlinear_softmax: [QLinearSoftmax] [SHADER];
    qlinear_where: [QLinearWhere] [SHADER];
    quantize_linear: [QuantizeLinear] [SHADER];
    unary: [Unary] [SHADER];
}

#[cfg(test)]
mod tests;
