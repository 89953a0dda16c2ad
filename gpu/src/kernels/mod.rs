//! The table of kernels: which file lowers which operator.
//!
//! A file `foo.rs` here is named as in core's `ops/` and `cpu/`. It says whether the GPU takes a node (`lower`),
//! and what to launch for its sizes; what is computed stands in `foo.wgsl` beside it. There is no second place
//! that says what the GPU can do: `lower` answers with a kernel or with `None`.

mod byte_max_pool;
mod narrow;
mod packed_bytes;
mod projection;
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

        /// Every file of WGSL.
        #[cfg(test)]
        fn shaders() -> Vec<&'static crate::shader::Shader> {
            use crate::shader::Files;
            let mut all = vec![&crate::self_test::SHADER];
            $($(all.extend($file::$shader.files());)*)*
            all
        }
    };
}

kernels! {
    // Element by element.
    activation: [Activation] [SHADER];
    binary: [Binary] [SHADER];
    cast: [Cast] [SHADER];
    chain: [Chain] [SHADER];
    clip: [Clip] [SHADER];
    compare: [Compare] [SHADER];
    gated: [Gated] [SHADER];
    is_nan: [IsNaN] [SHADER];
    packed_swiglu: [PackedSwiGLU] [ROUNDED];
    unary: [Unary] [SHADER];
    variadic: [Variadic] [];
    where_: [Where] [SHADER];

    // Moving elements.
    bit_cast: [BitCast] [];
    center_crop_pad: [CenterCropPad] [];
    concat: [Concat] [];
    constant_of_shape: [ConstantOfShape] [SHADER];
    copy: [] [WORDS PACKED];
    depth_to_space: [DepthToSpace] [];
    expand: [Expand] [];
    eye_like: [EyeLike] [];
    gather: [Gather] [SHADER];
    gather_elements: [GatherElements] [];
    gather_nd: [GatherNd] [];
    max_unpool: [MaxUnpool] [SHADER];
    one_hot: [OneHot] [SHADER];
    pad: [Pad] [SHADER];
    range: [Range] [SHADER];
    reverse_sequence: [ReverseSequence] [SHADER];
    scatter_elements: [ScatterElements] [SHADERS];
    scatter_nd: [ScatterNd] [];
    slice: [Slice] [];
    split: [Split] [];
    tile: [Tile] [];
    transpose: [Transpose] [];
    trilu: [Trilu] [SHADER];

    // Quantization.
    byte_softmax: [] [SHADERS];
    byte_table: [ByteTable] [SHADER];
    dequantize_linear: [DequantizeLinear] [SHADER];
    dynamic_quantize_linear: [DynamicQuantizeLinear] [SHADER];
    fused_dequantize: [FusedDequantize] [SHADER];
    qlinear_activation: [QLinearActivation] [];
    qlinear_concat: [QLinearConcat] [SHADER];
    qlinear_elementwise: [QLinearElementwise] [SHADER];
    qlinear_reduce_mean: [QLinearReduceMean] [SHADER];
    qlinear_softmax: [QLinearSoftmax] [SHADER];
    qlinear_where: [QLinearWhere] [SHADER];
    quantize_linear: [QuantizeLinear] [SHADER];

    // Products and pools of bytes, and products with weights of few bits.
    arrange: [] [SHADER];
    byte_pool: [] [SHADER];
    byte_product: [] [TILES FEW_ROWS DEPTHWISE];
    gather_block_quantized: [GatherBlockQuantized] [SHADER];
    matmul_integer: [MatMulInteger] [];
    matmul_integer_to_float: [MatMulIntegerToFloat] [];
    matmul_nbits: [MatMulNBits] [FLOATS FLOAT_TILES INTEGERS INTEGER_TILES];
    qgemm: [QGemm] [];
    qlinear_average_pool: [QLinearAveragePool] [];
    qlinear_conv: [QLinearConv] [];
    qlinear_conv_transpose: [QLinearConvTranspose] [];
    qlinear_matmul: [QLinearMatMul] [];
    rounded_rows: [] [SHADER];

    // Attention.
    attention: [Attention] [];
    attention_core: [] [TILES FEW JOIN SCORES];
    flex_attention: [FlexAttention] [];
    group_query_attention: [GroupQueryAttention] [];
    kv_cache: [] [SHADER];
    multi_head_attention: [MultiHeadAttention] [];
    projected_attention: [ProjectedAttention] [];
    rotary_embedding: [RotaryEmbedding] [SHADER];
    // Looking through whole slices.
    arg_max: [ArgMax] [SHADER];
    cum_sum: [CumSum] [SHADER];
    reduce: [Reduce] [SHADER];
    reduce_integer: [] [SHADER];
    softmax: [Softmax] [SHADER];
    top_k: [TopK] [SHADERS];

    // Products of floats, windows and rows.
    bias_softmax: [BiasSoftmax] [];
    batch_normalization: [BatchNormalization] [SHADERS];
    conv: [Conv] [SHADERS];
    conv_transpose: [ConvTranspose] [];
    cross_entropy: [CrossEntropy] [SHADERS];
    deform_conv: [DeformConv] [SHADER];
    dft: [Dft] [SHADER];
    einsum: [Einsum] [SHADERS];
    embed_layer_normalization: [EmbedLayerNormalization] [SHADERS];
    gemm: [Gemm] [];
    global_pool: [GlobalPool] [SHADERS];
    grid_sample: [GridSample] [SHADER];
    group_normalization: [GroupNormalization] [SHADER];
    join: [] [SHADERS];
    layer_normalization: [LayerNormalization] [SHADER ROUNDED];
    linear: [Linear] [];
    lp_normalization: [LpNormalization] [];
    lrn: [Lrn] [SHADERS];
    matmul: [MatMul] [SHADERS];
    max_pool: [MaxPool] [SHADERS];
    mean_variance_normalization: [MeanVarianceNormalization] [];
    resize: [Resize] [SHADERS];
    resize_nearest: [] [SHADERS];
    rnn: [Rnn] [SHADER];
    rois: [Rois] [SHADER];
    simplified_layer_normalization: [SimplifiedLayerNormalization] [];
    skip_layer_normalization: [SkipLayerNormalization] [];
    stft: [Stft] [];
    table: [] [SHADERS];
}

#[cfg(test)]
mod tests;
