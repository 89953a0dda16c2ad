"""Integer products with float scales: DynamicQuantizeMatMul, MatMulIntegerToFloat, QGemm."""

import numpy as np

from .qlinear import draw, near_middle
from .suite import AS_FLOAT32, rng

F32, F16, I8, U8, I32 = np.float32, np.float16, np.int8, np.uint8, np.int32


def cases(add):
    dynamic_quantize(add)
    to_float(add)
    to_float_limits(add)
    q_gemm(add)


def dynamic_quantize(add):
    def case(
        name,
        a,
        b,
        dtype=I8,
        zero=False,
        columns=False,
        bias=False,
        constant=(1, 2, 3, 4),
        spread=1.0,
        offset=0.0,
        **more,
    ):
        r = rng("DynamicQuantizeMatMul", name)
        n = b[-1]
        per = (n,) if columns else ()
        inputs = [
            (r.standard_normal(a) * spread + offset).astype(F32),
            draw(r, b, dtype),
            r.uniform(0.001, 0.01, per).astype(F32),
            draw(r, per, dtype) if zero else None,
            r.standard_normal(n).astype(F32) if bias else None,
        ]
        add("DynamicQuantizeMatMul", name, inputs, constant=constant, **more)

    for label, dtype in (("i8", I8), ("u8", U8)):
        case(label, (3, 16), (16, 9), dtype)
        case(f"{label}_zero", (3, 16), (16, 9), dtype, zero=True)
        case(f"{label}_columns", (5, 33), (33, 17), dtype, zero=True, columns=True, bias=True)
        case(f"{label}_weights_fed", (4, 20), (20, 5), dtype, zero=True, bias=True, constant=())
    case("batch", (2, 3, 24), (24, 6), bias=True)
    case("batch_both", (2, 3, 8), (2, 8, 5))
    case("one_by_one", (1, 1), (1, 1))
    case("token", (1, 300), (300, 40), bias=True, columns=True)
    case("positive", (4, 32), (32, 8), offset=7.0)
    case("negative", (4, 32), (32, 8), U8, zero=True, offset=-7.0)
    case("large_values", (4, 32), (32, 8), spread=1e6)
    case("tiny_values", (4, 32), (32, 8), spread=1e-6)
    r = rng("zeros")
    add(
        "DynamicQuantizeMatMul",
        "all_zero",
        [np.zeros((3, 8), F32), draw(r, (8, 4), I8), F32(0.1), None, np.arange(4, dtype=F32)],
        constant=(1, 2, 4),
    )
    add(
        "DynamicQuantizeMatMul",
        "all_equal",
        [np.full((3, 8), 2.5, F32), draw(r, (8, 4), I8), F32(0.1)],
        constant=(1, 2),
    )


def to_float(add):
    def case(
        name,
        a,
        b,
        types=(U8, I8),
        zeros=(False, False),
        columns=False,
        bias=False,
        scale=F32,
        constant=(1, 3, 5, 6),
        **more,
    ):
        r = rng("MatMulIntegerToFloat", name)
        n = b[-1]
        per = (n,) if columns else ()
        inputs = [
            draw(r, a, types[0]),
            draw(r, b, types[1]),
            scale(0.02),
            np.asarray(r.uniform(0.001, 0.02, per)).astype(scale),
            draw(r, (), types[0]) if zeros[0] else None,
            draw(r, per, types[1]) if zeros[1] else None,
            r.standard_normal(n).astype(scale) if bias else None,
        ]
        add(
            "MatMulIntegerToFloat",
            name,
            inputs,
            constant=constant,
            oracle=AS_FLOAT32 if scale is F16 else None,
            **more,
        )

    for label, types in (("u8_i8", (U8, I8)), ("u8_u8", (U8, U8)), ("i8_i8", (I8, I8))):
        case(label, (3, 16), (16, 9), types)
        case(f"{label}_zeros", (3, 16), (16, 9), types, (True, True))
        case(f"{label}_columns", (4, 33), (33, 17), types, (True, True), columns=True, bias=True)
        case(f"{label}_fed", (4, 12), (12, 7), types, (True, True), bias=True, constant=())
    case("a_zero_only", (3, 16), (16, 9), zeros=(True, False))
    case("b_zero_only", (3, 16), (16, 9), zeros=(False, True))
    case("batch", (2, 3, 24), (24, 6), zeros=(True, False), bias=True)
    case("batch_both", (2, 3, 8), (2, 8, 5), zeros=(True, True))
    case("one_by_one", (1, 1), (1, 1), zeros=(True, False))
    case("long_k", (1, 1031), (1031, 3), zeros=(True, True), columns=True)
    case("half", (3, 16), (16, 9), zeros=(True, True), bias=True, scale=F16)


def to_float_limits(add):
    """Sums as far from zero as 8 bits reach, which must not saturate in 16."""
    for label, a, b in (
        ("high", U8(255), I8(127)),
        ("low", U8(255), I8(-128)),
        ("i8", I8(-128), I8(-128)),
    ):
        add(
            "MatMulIntegerToFloat",
            f"limit_{label}",
            [np.full((2, 64), a), np.full((64, 3), b), F32(1), F32(1)],
            constant=(1, 3),
        )


def q_gemm(add):
    def case(
        name,
        a=(6, 10),
        b=(10, 9),
        types=(U8, I8),
        c=None,
        columns=False,
        quantized=True,
        a_zero=None,
        y_scale=0.5,
        constant=(1, 2, 3, 4, 5, 6, 7, 8),
        oracle=None,
        **more,
    ):
        r = rng("QGemm", name)
        n = b[0] if more.get("transB") else b[1]
        per = (n,) if columns else ()
        ta, tb = types
        inputs = [
            draw(r, a, ta),
            F32(0.03),
            near_middle(r, (), ta) if a_zero is None else ta(a_zero),
            draw(r, b, tb),
            np.asarray(r.uniform(0.01, 0.05, per)).astype(F32),
            near_middle(r, per, tb),
            None if c is None else r.integers(-9999, 9999, c).astype(I32),
            F32(y_scale) if quantized else None,
            near_middle(r, (), ta) if quantized else None,
        ]
        add(
            "QGemm",
            name,
            inputs,
            constant=constant,
            oracle=oracle,
            variant=None if quantized else "float",
            **more,
        )

    for label, types in (("u8_i8", (U8, I8)), ("u8_u8", (U8, U8)), ("i8_i8", (I8, I8))):
        case(label, types=types)
        case(f"{label}_c", types=types, c=(9,))
        case(f"{label}_columns", types=types, c=(6, 9), columns=True)
        case(f"{label}_float", types=types, c=(9,), quantized=False)
    case("float_columns", columns=True, quantized=False)
    case("alpha", c=(9,), alpha=0.25)
    case("float_alpha", c=(1, 9), alpha=2.0, quantized=False)
    case("trans_a", a=(10, 6), transA=1)
    case("trans_b", b=(9, 10), transB=1, columns=True, c=(9,))
    case("trans_both", a=(10, 6), b=(9, 10), transA=1, transB=1, c=(6, 1))
    case("c_scalar", c=())
    case("one_by_one", (1, 1), (1, 1))
    case("odd_sizes", (17, 67), (67, 33), c=(33,), columns=True, y_scale=2.0)
    case("saturates", y_scale=0.001, a_zero=128)
    case("all_fed", c=(9,), constant=())
