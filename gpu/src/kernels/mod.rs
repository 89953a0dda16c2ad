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
    ($($file:ident: $($Op:ident)*;)*) => {
        $(mod $file;)*

        /// A kernel for the node, where there is one.
        pub fn lower(gpu: &Gpu, node: &Lowered<'_>) -> Result<Kernel> {
            match &node.node.op {
                $($(Op::$Op(op) => $file::lower(gpu, op, node),)*)*
                _ => Ok(None),
            }
        }

        /// The files of WGSL.
        #[cfg(test)]
        pub static SHADERS: &[&[crate::shader::Shader]] = &[$($file::SHADERS),*];
    };
}

kernels! {
    activation: Activation;
    arrange: ;
    byte_max_pool: MaxPool;
    byte_pool: ;
    byte_product: ;
    byte_table: ByteTable;
    dequantize_linear: DequantizeLinear;
    dynamic_quantize_linear: DynamicQuantizeLinear;
    fused_dequantize: FusedDequantize;
    gather_block_quantized: GatherBlockQuantized;
    matmul_integer: MatMulInteger;
    matmul_integer_to_float: MatMulIntegerToFloat;
    matmul_nbits: MatMulNBits;
    qgemm: QGemm;
    qlinear_activation: QLinearActivation;
    qlinear_average_pool: QLinearAveragePool;
    qlinear_concat: QLinearConcat;
    qlinear_conv: QLinearConv;
    qlinear_elementwise: QLinearElementwise;
    qlinear_matmul: QLinearMatMul;
    qlinear_reduce_mean: QLinearReduceMean;
    qlinear_softmax: QLinearSoftmax;
    qlinear_where: QLinearWhere;
    quantize_linear: QuantizeLinear;
    unary: Unary;
}

#[cfg(test)]
mod tests;
