"""FusedMatMul and FusedGemm: products with transposes, factors and an activation folded in."""

import ml_dtypes
import numpy as np

from .suite import AS_FLOAT32, rng

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16


def cases(add):
    fused_matmul(add)
    fused_gemm(add)


def fused_matmul(add):
    def case(name, a, b, dtype=F32, spread=1.0, **more):
        r = rng("FusedMatMul", name)
        a, b = ((r.standard_normal(s) * spread).astype(dtype) for s in (a, b))
        add(
            "FusedMatMul", name, [a, b], oracle=AS_FLOAT32 if dtype in (F16, BF16) else None, **more
        )

    case("plain", (3, 5), (5, 4))
    case("alpha", (3, 5), (5, 4), alpha=0.25)
    case("alpha_zero", (3, 5), (5, 4), alpha=0.0)
    case("trans_a", (5, 3), (5, 4), transA=1)
    case("trans_b", (3, 5), (4, 5), transB=1)
    case("trans_both", (5, 3), (4, 5), transA=1, transB=1, alpha=-2.0)
    case("batch", (2, 3, 5), (2, 5, 4), alpha=0.125)
    case("batch_trans_b", (2, 3, 6, 5), (2, 3, 7, 5), transB=1, alpha=0.5)
    case("broadcast", (4, 1, 3, 5), (2, 5, 6))
    case("broadcast_trans", (2, 5, 3), (4, 5), transA=1, transB=1)
    case("trans_batch_a", (3, 2, 5), (2, 5, 4), transBatchA=1)
    case("trans_batch_b", (2, 3, 5), (5, 2, 4), transBatchB=1)
    case("trans_batch_both", (3, 2, 4, 5), (5, 2, 4, 6), transBatchA=1, transBatchB=1)
    case("trans_all", (5, 2, 3), (4, 2, 5), transA=1, transB=1, transBatchA=1, transBatchB=1)
    case("vector_left", (5,), (5, 4), alpha=3.0)
    case("vector_right", (3, 5), (5,))
    case("one_by_one", (1, 1), (1, 1), alpha=0.5)
    case("odd_sizes", (33, 67), (67, 19), alpha=0.1)
    case("large_values", (4, 64), (64, 4), spread=1e4)
    case("double", (2, 3, 5), (2, 4, 5), F64, transB=1, alpha=0.3)
    case("half", (2, 3, 5), (2, 4, 5), F16, transB=1, alpha=0.5)
    case("bfloat16", (3, 5), (5, 4), BF16, alpha=0.5)


def relu_gemm(a, b, c, activation):
    return [np.maximum(a @ b + c, 0)]


def fused_gemm(add):
    def case(name, a=(6, 5), b=(5, 7), c=(7,), dtype=F32, oracle=None, **more):
        r = rng("FusedGemm", name)
        kind = np.dtype(dtype).kind
        draw = r.standard_normal if kind == "f" else lambda s: r.integers(-9 * (kind == "i"), 10, s)
        inputs = [None if s is None else np.asarray(draw(s)).astype(dtype) for s in (a, b, c)]
        add("FusedGemm", name, inputs, oracle=AS_FLOAT32 if dtype is F16 else oracle, **more)

    case("relu", activation="Relu")
    case("tanh", activation="Tanh")
    case("sigmoid", activation="Sigmoid")
    case("leaky_relu", activation="LeakyRelu", activation_alpha=0.2)
    case("elu", activation="Elu", activation_alpha=0.5)
    case("selu", activation="Selu", activation_alpha=1.5, activation_gamma=1.1)
    case("softplus", activation="Softplus")
    case("softsign", activation="Softsign")
    case("hard_sigmoid", activation="HardSigmoid", activation_alpha=0.3, activation_beta=0.4)
    case("thresholded_relu", activation="ThresholdedRelu", activation_alpha=0.7)
    case(
        "parametric_softplus",
        activation="ParametricSoftplus",
        activation_alpha=0.5,
        activation_beta=1.5,
    )
    case("scaled_tanh", activation="ScaledTanh", activation_alpha=0.5, activation_beta=1.5)
    case("no_c", c=None, activation="Relu")
    case("c_full", c=(6, 7), activation="Relu", beta=0.5)
    case("c_column", c=(6, 1), activation="Relu")
    case("c_row", c=(1, 7), activation="Tanh")
    case("c_scalar", c=(), activation="Tanh", alpha=0.5, beta=2.0)
    case("trans_a", a=(5, 6), activation="Relu", transA=1)
    case("trans_b", b=(7, 5), activation="Relu", transB=1)
    case(
        "trans_both",
        a=(5, 6),
        b=(7, 5),
        activation="LeakyRelu",
        activation_alpha=0.01,
        transA=1,
        transB=1,
        alpha=0.3,
        beta=0.0,
    )
    case("one_by_one", (1, 1), (1, 1), (1,), activation="Relu")
    case("odd_sizes", (17, 33), (33, 65), (65,), activation="Relu")
    case("half", dtype=F16, activation="Relu", alpha=0.5)
    for dtype in (F64, np.int32, np.int64, np.uint32, np.uint64):  # documented, but on no kernel
        case(f"relu_{np.dtype(dtype).name}", dtype=dtype, activation="Relu", oracle=relu_gemm)
    r = rng("FusedGemm", "saturating")
    add(
        "FusedGemm",
        "sigmoid_saturates",
        [r.standard_normal((4, 8), F32) * 100, r.standard_normal((8, 3), F32)],
        activation="Sigmoid",
        constant=(1,),
    )
