//! The operators: one table, and one file per operator or family.
//!
//! A file `foo.rs` here says what the operator is: its attributes through the opsets (`parse`) and its
//! shape rule (`infer`). The file of the same name in [`cpu`](crate::cpu) says what it computes.
//!
//! To add one: the two files, the two `mod` lines, and a line in the table. A kernel that is missing is a
//! compile error.

#[macro_use]
mod names;
pub mod align;
mod attrs;
mod carry;
pub mod granularity;
mod ints;
mod symbolic;

pub use attrs::{Attr, Attrs};

use crate::Result;
use crate::cpu::Kernel;
use crate::graph::{Graph, Infer, Inside};
use std::fmt::Debug;
use std::sync::Arc;

/// What every operator says of itself, without its inputs' elements.
pub trait Operator: Debug + Send + Sync {
    /// Reads the attributes as the opset version has them.
    fn parse(attrs: &mut Attrs) -> Result<Self>
    where
        Self: Sized;

    /// The facts of the outputs, from those of the inputs.
    fn infer(&self, cx: &mut Infer<'_>) -> Result<()>;

    /// The graphs that it runs.
    fn graphs(&self) -> Vec<&Graph> {
        Vec::new()
    }

    /// The same graphs, to be rewritten.
    fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        Vec::new()
    }

    /// What is known of each of these graphs whenever it runs; nothing where the operator does not tell.
    fn inside(&self, _cx: &mut Infer<'_>) -> Result<Vec<Inside>> {
        Ok(Vec::new())
    }

    /// Whether equal inputs always give equal outputs; what is not pure is never folded.
    fn is_pure(&self) -> bool {
        true
    }
}

/// An operator that a user brings along.
pub trait CustomOp: Debug + Send + Sync {
    /// The domain in which models call it.
    fn domain(&self) -> &str;
    /// The name by which models call it.
    fn name(&self) -> &str;
    /// The operator of one node, with that node's attributes read. `None`: this very one, which has none.
    fn parse(&self, _attrs: &mut Attrs) -> Result<Option<Arc<dyn CustomOp>>> {
        Ok(None)
    }
    /// Its shape rule.
    fn infer(&self, cx: &mut Infer<'_>) -> Result<()>;
    /// What it computes on the CPU.
    fn kernel(&self) -> &dyn Kernel;
}

type Parse = fn(&mut Attrs) -> Result<Op>;

/// A line of the table: one operator of ONNX or of another domain.
pub struct Entry {
    /// Its domain; "" is ai.onnx.
    pub domain: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// The pack that holds it.
    pub pack: &'static str,
    /// The file that implements it, in every folder.
    pub file: &'static str,
    /// How to parse it; `None` where its pack is not in this build.
    parse: Option<Parse>,
}

macro_rules! ops {
    ($(
        $pack:ident $cfg:tt {
            $( $file:ident :: $Op:ident: $( $domain:literal [ $($name:ident)* ] ),+; )*
        }
    )*) => {
        /// An operator with its attributes.
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "one variant per line of the table")]
        pub enum Op {
            $($( #[cfg $cfg] $Op(Arc<$file::$Op>), )*)*
            /// Brought along by the user.
            Custom(Arc<dyn CustomOp>),
        }

        impl Op {
            fn operator(&self) -> Option<&dyn Operator> {
                match self {
                    $($( #[cfg $cfg] Op::$Op(op) => Some(&**op), )*)*
                    Op::Custom(_) => None,
                }
            }

            /// The graphs that it runs, to be rewritten.
            pub fn graphs_mut(&mut self) -> Vec<&mut Graph> {
                match self {
                    $($( #[cfg $cfg] Op::$Op(op) => match op.graphs().is_empty() {
                        true => Vec::new(),
                        false => Arc::make_mut(op).graphs_mut(),
                    }, )*)*
                    Op::Custom(_) => Vec::new(),
                }
            }

            /// What it computes on the CPU.
            pub fn kernel(&self) -> &dyn Kernel {
                match self {
                    $($( #[cfg $cfg] Op::$Op(op) => &**op, )*)*
                    Op::Custom(op) => op.kernel(),
                }
            }
        }

        /// Every operator that Edgewise knows, in every pack.
        pub static TABLE: &[Entry] = &[$($($($(
            Entry {
                domain: $domain,
                name: stringify!($name),
                pack: stringify!($pack),
                file: stringify!($file),
                parse: {
                    #[allow(unused_mut, unused_assignments, reason = "the pack may be absent")]
                    let mut parse: Option<Parse> = None;
                    #[cfg $cfg]
                    {
                        parse = Some(|attrs| Ok(Op::$Op(Arc::new(<$file::$Op as Operator>::parse(attrs)?))));
                    }
                    parse
                },
            },
        )*)+)*)*];
    };
}

// A file per operator or family, in the groups of the table.

// Element by element.
pub mod activation;
pub mod bernoulli;
pub mod binary;
pub mod bit_cast;
pub mod cast;
pub mod chain;
pub mod clip;
pub mod compare;
pub mod dropout;
pub mod gated;
pub mod identity;
pub mod is_nan;
pub mod multinomial;
pub mod packed_swiglu;
pub mod random;
pub mod unary;
pub mod variadic;
pub mod where_;

// Quantization.
pub mod byte_table;
pub mod dequantize_linear;
pub mod dynamic_quantize_linear;
pub mod qlinear_activation;
pub mod qlinear_elementwise;
pub mod qlinear_where;
pub mod quantize_linear;

// Moving elements.
pub mod center_crop_pad;
pub mod col2im;
pub mod compress;
pub mod concat;
pub mod constant_of_shape;
pub mod depth_to_space;
pub mod expand;
pub mod eye_like;
pub mod flatten;
pub mod gather;
pub mod gather_elements;
pub mod gather_nd;
pub mod non_zero;
pub mod one_hot;
pub mod pad;
pub mod qlinear_concat;
pub mod range;
pub mod reshape;
pub mod reverse_sequence;
pub mod scatter_elements;
pub mod scatter_nd;
pub mod shape;
pub mod size;
pub mod slice;
pub mod split;
pub mod squeeze;
pub mod tensor_scatter;
pub mod tile;
pub mod transpose;
pub mod trilu;
pub mod unique;

// Products, convolutions, pooling, normalization, recurrence.
pub mod batch_normalization;
pub mod conv;
pub mod conv_transpose;
pub mod cross_entropy;
pub mod deform_conv;
pub mod det;
pub mod dynamic_quantize_lstm;
pub mod einsum;
pub mod fused_activation;
pub mod fused_dequantize;
pub mod gemm;
pub mod global_pool;
pub mod group_normalization;
pub mod layer_normalization;
pub mod linear;
pub mod lp_normalization;
pub mod lrn;
pub mod matmul;
pub mod matmul_integer;
pub mod matmul_integer_to_float;
pub mod max_pool;
pub mod max_unpool;
pub mod mean_variance_normalization;
pub mod qgemm;
pub mod qlinear_average_pool;
pub mod qlinear_conv;
pub mod qlinear_conv_transpose;
pub mod qlinear_matmul;
pub mod rnn;
pub mod softmax;
pub mod window;

// Reductions and searches.
pub mod arg_max;
pub mod cum_sum;
pub mod qlinear_reduce_mean;
pub mod reduce;
pub mod top_k;

// Attention and transformers.
pub mod attention;
pub mod bias_softmax;
pub mod causal_conv_with_state;
pub mod embed_layer_normalization;
pub mod flex_attention;
pub mod gather_block_quantized;
pub mod group_query_attention;
pub mod heads;
pub mod linear_attention;
pub mod masks;
pub mod matmul_nbits;
pub mod multi_head_attention;
pub mod ngram_repeat_block;
pub mod projected_attention;
pub mod qlinear_softmax;
pub mod rotary_embedding;
pub mod simplified_layer_normalization;
pub mod skip_layer_normalization;

// Signals and images.
pub mod affine_grid;
pub mod dft;
pub mod grid_sample;
#[cfg(feature = "image")]
pub mod image_decoder;
pub mod non_max_suppression;
pub mod resize;
pub mod rois;
pub mod signal_window;

// Control flow, sequences, optionals.
pub mod concat_from_sequence;
pub mod if_;
pub mod loop_;
pub mod optional;
pub mod scan;
pub mod sequence;
pub mod sequence_map;
pub mod split_to_sequence;

// Text.
#[cfg(feature = "text")]
pub mod text;
pub mod tfidf_vectorizer;

// Classical machine learning.
#[cfg(feature = "ml")]
pub mod class_scores;
#[cfg(feature = "ml")]
pub mod features;
#[cfg(feature = "ml")]
pub mod label_encoder;
#[cfg(feature = "ml")]
pub mod linear_model;
#[cfg(feature = "ml")]
pub mod ml_maps;
#[cfg(feature = "ml")]
pub mod svm;
#[cfg(feature = "ml")]
pub mod tree_ensemble;

// Training.
#[cfg(feature = "ml")]
pub mod optimizer;

ops! {
    core (all()) {
        // Element by element.
        unary::Unary: "" [
            Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Log Neg Reciprocal Round Sign Sin
            Sinh Sqrt Tan Tanh Not BitwiseNot
        ];
        is_nan::IsNaN: "" [IsNaN IsInf];
        activation::Activation: "" [
            Celu Elu Gelu HardSigmoid HardSwish LeakyRelu Mish Relu Selu Shrink Sigmoid Softplus Softsign Swish
            ThresholdedRelu
        ], "com.microsoft" [Gelu QuickGelu];
        gated::Gated: "" [PRelu SwiGLU], "com.microsoft" [BiasGelu FastGelu];
        packed_swiglu::PackedSwiGLU: "edgewise" [PackedSwiGLU];
        binary::Binary: "" [Add Sub Mul Div Mod Pow BitShift BitwiseAnd BitwiseOr BitwiseXor];
        compare::Compare: "" [Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor];
        variadic::Variadic: "" [Max Min Mean Sum];
        where_::Where: "" [Where];
        clip::Clip: "" [Clip];
        chain::Chain: "edgewise" [Chain];
        cast::Cast: "" [Cast CastLike];
        bit_cast::BitCast: "" [BitCast];
        identity::Identity: "" [Identity];
        dropout::Dropout: "" [Dropout];
        random::Random: "" [RandomNormal RandomNormalLike RandomUniform RandomUniformLike];
        bernoulli::Bernoulli: "" [Bernoulli];
        multinomial::Multinomial: "" [Multinomial];

        // Quantization.
        quantize_linear::QuantizeLinear: "" [QuantizeLinear], "com.microsoft" [QuantizeLinear];
        dequantize_linear::DequantizeLinear: "" [DequantizeLinear], "com.microsoft" [DequantizeLinear];
        dynamic_quantize_linear::DynamicQuantizeLinear: "" [DynamicQuantizeLinear];
        qlinear_elementwise::QLinearElementwise: "com.microsoft" [QLinearAdd QLinearMul];
        qlinear_activation::QLinearActivation: "com.microsoft" [QLinearSigmoid QLinearLeakyRelu];
        qlinear_where::QLinearWhere: "com.microsoft" [QLinearWhere];
        byte_table::ByteTable: "edgewise" [ByteTable];
        fused_dequantize::FusedDequantize: "edgewise" [FusedDequantize];

        // Moving elements.
        center_crop_pad::CenterCropPad: "" [CenterCropPad];
        col2im::Col2Im: "" [Col2Im];
        compress::Compress: "" [Compress];
        concat::Concat: "" [Concat];
        constant_of_shape::ConstantOfShape: "" [ConstantOfShape];
        depth_to_space::DepthToSpace: "" [DepthToSpace SpaceToDepth];
        expand::Expand: "" [Expand];
        eye_like::EyeLike: "" [EyeLike];
        flatten::Flatten: "" [Flatten];
        gather::Gather: "" [Gather];
        gather_elements::GatherElements: "" [GatherElements];
        gather_nd::GatherNd: "" [GatherND];
        non_zero::NonZero: "" [NonZero];
        one_hot::OneHot: "" [OneHot];
        pad::Pad: "" [Pad];
        qlinear_concat::QLinearConcat: "com.microsoft" [QLinearConcat];
        range::Range: "" [Range], "com.microsoft" [Range];
        reshape::Reshape: "" [Reshape];
        reverse_sequence::ReverseSequence: "" [ReverseSequence];
        scatter_elements::ScatterElements: "" [ScatterElements Scatter];
        scatter_nd::ScatterNd: "" [ScatterND];
        shape::Shape: "" [Shape];
        size::Size: "" [Size];
        slice::Slice: "" [Slice];
        split::Split: "" [Split];
        squeeze::Squeeze: "" [Squeeze Unsqueeze], "com.microsoft" [ExpandDims];
        tensor_scatter::TensorScatter: "" [TensorScatter];
        tile::Tile: "" [Tile];
        transpose::Transpose: "" [Transpose];
        trilu::Trilu: "" [Trilu], "com.microsoft" [Trilu];
        unique::Unique: "" [Unique];

        // Products, convolutions, pooling, normalization, recurrence.
        batch_normalization::BatchNormalization: "" [BatchNormalization];
        conv::Conv: "" [Conv], "com.microsoft" [FusedConv];
        conv_transpose::ConvTranspose: "" [ConvTranspose];
        cross_entropy::CrossEntropy: "" [NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss];
        deform_conv::DeformConv: "" [DeformConv];
        det::Det: "" [Det], "com.microsoft" [Inverse];
        dynamic_quantize_lstm::DynamicQuantizeLstm: "com.microsoft" [DynamicQuantizeLSTM];
        einsum::Einsum: "" [Einsum];
        gemm::Gemm: "" [Gemm], "com.microsoft" [FusedGemm];
        global_pool::GlobalPool: "" [GlobalAveragePool GlobalMaxPool GlobalLpPool];
        group_normalization::GroupNormalization: "" [GroupNormalization InstanceNormalization];
        layer_normalization::LayerNormalization: "" [LayerNormalization RMSNormalization];
        linear::Linear: "edgewise" [Linear];
        lp_normalization::LpNormalization: "" [LpNormalization];
        lrn::Lrn: "" [LRN];
        matmul::MatMul: "" [MatMul], "com.microsoft" [FusedMatMul];
        matmul_integer::MatMulInteger: "" [MatMulInteger];
        matmul_integer_to_float::MatMulIntegerToFloat: "com.microsoft" [MatMulIntegerToFloat DynamicQuantizeMatMul];
        max_pool::MaxPool: "" [MaxPool AveragePool LpPool], "com.microsoft" [NhwcMaxPool];
        max_unpool::MaxUnpool: "" [MaxUnpool];
        mean_variance_normalization::MeanVarianceNormalization: "" [MeanVarianceNormalization];
        qgemm::QGemm: "com.microsoft" [QGemm];
        qlinear_average_pool::QLinearAveragePool: "com.microsoft" [QLinearAveragePool QLinearGlobalAveragePool];
        qlinear_conv::QLinearConv: "" [ConvInteger QLinearConv], "com.microsoft" [QLinearConv], "edgewise" [ConvIntegerToFloat];
        qlinear_conv_transpose::QLinearConvTranspose: "edgewise" [QLinearConvTranspose];
        qlinear_matmul::QLinearMatMul: "" [QLinearMatMul];
        rnn::Rnn: "" [RNN GRU LSTM];
        softmax::Softmax: "" [Softmax LogSoftmax Hardmax];

        // Reductions and searches.
        arg_max::ArgMax: "" [ArgMax ArgMin];
        cum_sum::CumSum: "" [CumSum CumProd];
        qlinear_reduce_mean::QLinearReduceMean: "com.microsoft" [QLinearReduceMean];
        reduce::Reduce: "" [ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare];
        top_k::TopK: "" [TopK];

        // Attention and transformers.
        matmul_nbits::MatMulNBits: "com.microsoft" [MatMulNBits];
        rotary_embedding::RotaryEmbedding: "" [RotaryEmbedding], "com.microsoft" [RotaryEmbedding];
        simplified_layer_normalization::SimplifiedLayerNormalization: "" [SimplifiedLayerNormalization];
        skip_layer_normalization::SkipLayerNormalization: "com.microsoft" [SkipLayerNormalization SkipSimplifiedLayerNormalization];
        gather_block_quantized::GatherBlockQuantized: "com.microsoft" [GatherBlockQuantized];
        group_query_attention::GroupQueryAttention: "com.microsoft" [GroupQueryAttention];
        attention::Attention: "" [Attention];
        linear_attention::LinearAttention: "" [LinearAttention];
        causal_conv_with_state::CausalConvWithState: "" [CausalConvWithState];
        multi_head_attention::MultiHeadAttention: "com.microsoft" [MultiHeadAttention];
        projected_attention::ProjectedAttention: "com.microsoft" [Attention QAttention];
        embed_layer_normalization::EmbedLayerNormalization: "com.microsoft" [EmbedLayerNormalization QEmbedLayerNormalization];
        ngram_repeat_block::NGramRepeatBlock: "com.microsoft" [NGramRepeatBlock];
        bias_softmax::BiasSoftmax: "com.microsoft" [BiasSoftmax];
        qlinear_softmax::QLinearSoftmax: "com.microsoft" [QLinearSoftmax];
        flex_attention::FlexAttention: "ai.onnx.preview" [FlexAttention];

        // Signals and images.
        dft::Dft: "" [DFT];
        dft::Stft: "" [STFT];
        signal_window::SignalWindow: "" [HannWindow HammingWindow BlackmanWindow];
        signal_window::MelWeightMatrix: "" [MelWeightMatrix];
        grid_sample::GridSample: "" [GridSample], "com.microsoft" [GridSample];
        affine_grid::AffineGrid: "" [AffineGrid];
        rois::Rois: "" [RoiAlign MaxRoiPool], "com.microsoft" [CropAndResize];
        non_max_suppression::NonMaxSuppression: "" [NonMaxSuppression];
        resize::Resize: "" [Resize Upsample];

        // Text.
        tfidf_vectorizer::TfIdfVectorizer: "" [TfIdfVectorizer];

        // Control flow, sequences, optionals.
        if_::If: "" [If];
        loop_::Loop: "" [Loop];
        scan::Scan: "" [Scan];
        sequence_map::SequenceMap: "" [SequenceMap];
        sequence::Sequence: "" [SequenceConstruct SequenceEmpty SequenceAt SequenceInsert SequenceErase SequenceLength];
        split_to_sequence::SplitToSequence: "" [SplitToSequence];
        concat_from_sequence::ConcatFromSequence: "" [ConcatFromSequence];
        optional::Optional: "" [Optional OptionalGetElement OptionalHasElement];
    }
    text (feature = "text") {
        // Text.
        text::StringConcat: "" [StringConcat];
        text::StringSplit: "" [StringSplit];
        text::StringNormalizer: "" [StringNormalizer];
        text::RegexFullMatch: "" [RegexFullMatch];
    }
    ml (feature = "ml") {
        // Classical machine learning.
        features::ArrayFeatureExtractor: "ai.onnx.ml" [ArrayFeatureExtractor];
        features::Binarizer: "ai.onnx.ml" [Binarizer];
        features::FeatureVectorizer: "ai.onnx.ml" [FeatureVectorizer];
        features::Imputer: "ai.onnx.ml" [Imputer];
        features::Normalizer: "ai.onnx.ml" [Normalizer];
        features::OneHotEncoder: "ai.onnx.ml" [OneHotEncoder];
        features::Scaler: "ai.onnx.ml" [Scaler];
        label_encoder::LabelEncoder: "ai.onnx.ml" [LabelEncoder CategoryMapper];
        linear_model::LinearClassifier: "ai.onnx.ml" [LinearClassifier];
        linear_model::LinearRegressor: "ai.onnx.ml" [LinearRegressor];
        ml_maps::CastMap: "ai.onnx.ml" [CastMap];
        ml_maps::DictVectorizer: "ai.onnx.ml" [DictVectorizer];
        ml_maps::ZipMap: "ai.onnx.ml" [ZipMap];
        svm::SvmClassifier: "ai.onnx.ml" [SVMClassifier];
        svm::SvmRegressor: "ai.onnx.ml" [SVMRegressor];
        tree_ensemble::TreeEnsemble: "ai.onnx.ml" [TreeEnsemble TreeEnsembleRegressor];
        tree_ensemble::TreeEnsembleClassifier: "ai.onnx.ml" [TreeEnsembleClassifier];

        // Training.
        optimizer::Optimizer: "ai.onnx.preview.training" [Adagrad Adam Momentum];
    }
    image (feature = "image") {
        image_decoder::ImageDecoder: "" [ImageDecoder];
    }
}

impl Op {
    /// The operator that a node names, with its attributes read.
    pub fn parse(mut attrs: Attrs) -> Result<Op> {
        let domain = match attrs.domain() {
            "ai.onnx" => "",
            domain => domain,
        };
        let shown = if domain.is_empty() { "ai.onnx" } else { domain };
        let entry = TABLE
            .iter()
            .find(|e| e.domain == domain && e.name == attrs.op())
            .ok_or_else(|| err!(Unsupported, "operator '{}' of domain '{shown}' is not known", attrs.op()))?;
        let parse = entry.parse.ok_or_else(|| {
            err!(
                Unsupported,
                "operator '{}' is in the pack '{}', which this build does not have",
                entry.name,
                entry.pack
            )
        })?;
        let op = parse(&mut attrs)?;
        attrs.finish()?;
        Ok(op)
    }

    /// A user's operator, with the node's attributes read.
    pub fn custom(op: &Arc<dyn CustomOp>, mut attrs: Attrs) -> Result<Op> {
        let parsed = op.parse(&mut attrs)?;
        attrs.finish()?;
        Ok(Op::Custom(parsed.unwrap_or_else(|| op.clone())))
    }

    /// The facts of the outputs, from those of the inputs.
    pub fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        match (self, self.operator()) {
            (Op::Custom(op), _) => op.infer(cx),
            (_, Some(op)) => op.infer(cx),
            (_, None) => Err(err!(Internal, "an operator without a shape rule")),
        }
    }

    /// The graphs that it runs: the branches of If, the bodies of loops.
    pub fn graphs(&self) -> Vec<&Graph> {
        self.operator().map_or_else(Vec::new, Operator::graphs)
    }

    /// What is known of its graphs whenever they run, as far as the operator tells.
    pub fn inside(&self, cx: &mut Infer<'_>) -> Result<Vec<Inside>> {
        self.operator().map_or_else(|| Ok(Vec::new()), |op| op.inside(cx))
    }

    /// Whether equal inputs always give equal outputs.
    pub fn is_pure(&self) -> bool {
        self.operator().is_some_and(Operator::is_pure)
    }
}

/// Whether every operator of these graphs is pure.
fn all_pure(graphs: &[&Graph]) -> bool {
    graphs.iter().all(|graph| graph.nodes.iter().all(|node| node.op.is_pure()))
}
