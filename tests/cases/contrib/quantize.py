"""QuantizeLinear and DequantizeLinear of the com.microsoft domain: 4, 8, 16 and 32 bits."""

import ml_dtypes
import numpy as np
from onnx import helper

from .suite import AS_FLOAT32, rng

F32, F16 = np.float32, np.float16
KINDS = {
    "u8": np.uint8,
    "i8": np.int8,
    "u16": np.uint16,
    "i16": np.int16,
    "u4": ml_dtypes.uint4,
    "i4": ml_dtypes.int4,
}


def span(kind):
    info = ml_dtypes.iinfo(kind)
    return int(info.min), int(info.max)


def draw(r, shape, kind):
    low, high = span(kind)
    return np.asarray(r.integers(low, high + 1, shape)).astype(kind)


def cases(add):
    quantize(add)
    dequantize(add)


def quantize(add):
    def case(
        name,
        kind="u8",
        shape=(3, 5, 7),
        axis=None,
        zero=True,
        dtype=F32,
        x=None,
        scale=None,
        constant=(1, 2),
        **more,
    ):
        r = rng("QuantizeLinear", name)
        low, high = span(KINDS[kind])
        per = () if axis is None else (shape[axis],)
        if axis is not None:
            more["axis"] = axis
        scale = (
            np.asarray(r.uniform(0.5, 2, per) * 4 / (high - low)).astype(dtype)
            if scale is None
            else dtype(scale)
        )
        x = r.standard_normal(shape) * 2 if x is None else np.asarray(x)
        point = draw(r, per, KINDS[kind]) if zero else None
        add(
            "QuantizeLinear",
            name,
            [x.astype(dtype), scale, point],
            constant=constant,
            types={0: helper.np_dtype_to_tensor_dtype(np.dtype(KINDS[kind]))},
            oracle=AS_FLOAT32 if dtype is F16 else None,
            variant="half" if dtype is F16 else None,
            **more,
        )

    halves = np.arange(-20, 21) / 2
    far = [0.0, -0.0, 1e-40, 1e9, -1e9, 3e38, -3e38, np.inf, -np.inf]
    for kind in KINDS:
        case(kind, kind)
        case(f"{kind}_axis1", kind, axis=1)
        case(f"{kind}_axis_last", kind, axis=-1)
        case(f"{kind}_halves", kind, x=halves, shape=halves.shape, scale=1.0)
        # onnxruntime answers -inf with the largest i4, not the smallest: no oracle for that one.
        ends = far[:-1] if kind == "i4" else far
        case(f"{kind}_saturates", kind, x=ends, shape=(len(ends),), scale=0.5)
        case(f"{kind}_half", kind, dtype=F16)
    case("no_zero_point", zero=False)
    case("no_zero_point_axis", zero=False, axis=0)
    case("scalar", shape=())
    case("one_channel", shape=(4, 1, 3), axis=1)
    case("fed", axis=1, constant=())
    case("tiny_scale", scale=1e-30)
    case("odd_scale", scale=0.1, x=np.arange(-300, 300) * 0.05, shape=(600,))
    case("long", "i8", shape=(1031,))


def dequantize(add):
    def case(
        name, kind="u8", shape=(3, 5, 7), axis=None, zero=True, dtype=F32, constant=(1, 2), **more
    ):
        r = rng("DequantizeLinear", name)
        kind = KINDS.get(kind, np.int32)
        per = () if axis is None else (shape[axis],)
        if axis is not None:
            more["axis"] = axis
        # float16 holds only small products of 16-bit values.
        scale = np.asarray(r.uniform(0.5, 2, per) * (1e-3 if dtype is F16 else 0.01)).astype(dtype)
        values = (
            r.integers(-(10**6), 10**6, shape).astype(kind)
            if kind is np.int32
            else draw(r, shape, kind)
        )
        point = (
            None if not zero else np.zeros(per, kind) if kind is np.int32 else draw(r, per, kind)
        )
        add(
            "DequantizeLinear",
            name,
            [values, scale, point],
            constant=constant,
            oracle=AS_FLOAT32 if dtype is F16 else None,
            **more,
        )

    for kind in KINDS:
        case(kind, kind)
        case(f"{kind}_axis1", kind, axis=1)
        case(f"{kind}_axis_last", kind, axis=-1)
        case(f"{kind}_no_zero_point", kind, zero=False)
        case(f"{kind}_half", kind, dtype=F16)
    case("i32", "i32")
    case("i32_axis0", "i32", axis=0)
    case("i32_no_zero_point", "i32", zero=False)
    case("scalar", shape=())
    case("one_channel", "i8", shape=(4, 1, 3), axis=1)
    case("fed", axis=1, constant=())
    case("long", "u4", shape=(1031,))
    for kind in ("u8", "i8", "i4"):
        low, high = span(KINDS[kind])
        for point in (low, high):
            add(
                "DequantizeLinear",
                f"{kind}_limits_{'low' if point == low else 'high'}",
                [
                    np.array([low, high, 0]).astype(KINDS[kind]),
                    F32(0.5),
                    np.asarray(point).astype(KINDS[kind]),
                ],
                constant=(1, 2),
            )
