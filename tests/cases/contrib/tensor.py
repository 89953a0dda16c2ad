"""Trilu, Range, ExpandDims, Inverse and NGramRepeatBlock."""

import ml_dtypes
import numpy as np

from .suite import rng

F32, F64, F16, BF16, I64 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64
WHOLE = (np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64)


def cases(add):
    trilu(add)
    range_(add)
    expand_dims(add)
    inverse(add)
    ngram(add)


def triangle(x, k=0, upper=1):
    # On the other types than float, double and int64 no provider has a kernel.
    return [(np.triu if upper else np.tril)(x, int(k))]


def trilu(add):
    def case(name, shape=(4, 5), k=None, dtype=F32, constant=(1,), **more):
        x = rng("Trilu", name).integers(1, 100, shape)
        native = dtype in (F32, F64, I64)
        add(
            "Trilu",
            name,
            [x.astype(dtype), None if k is None else np.asarray(k, I64)],
            constant=constant,
            oracle=None if native else triangle,
            **more,
        )

    for upper in (0, 1):
        label = "upper" if upper else "lower"
        case(label, upper=upper)
        for k in (-9, -1, 0, 2, 9):
            case(f"{label}_k_{'minus' if k < 0 else ''}{abs(k)}", k=k, upper=upper)
        case(f"{label}_batch", (2, 3, 4, 4), k=1, upper=upper)
        case(f"{label}_tall", (7, 2), upper=upper)
    case("default")
    case("k_fed", k=1, constant=())
    case("one", (1, 1))
    case("no_rows", (0, 3))
    for dtype in (F64, F16, BF16, np.bool_, *WHOLE):
        case(np.dtype(dtype).name, dtype=dtype)


def range_(add):
    def case(name, start, limit, delta=None, dtype=np.int32, constant=()):
        values = [None if v is None else np.asarray(v, dtype) for v in (start, limit, delta)]
        add("Range", name, values, constant=constant)

    for dtype in (np.int16, np.int32, np.int64, F32, F64):
        label = np.dtype(dtype).name
        case(f"{label}", 2, 9, 3, dtype)
        case(f"{label}_down", 9, -4, -2, dtype)
        case(f"{label}_default_delta", -3, 4, dtype=dtype)
    case("empty", 5, 5)
    case("wrong_way", 5, 1, 1)
    case("one", 0, 1, 7)
    case("fraction", 0.5, 2.0, 0.25, F32)
    case("tenths", 0.0, 1.0, 0.1, F32)
    case("large", 2**40, 2**40 + 5, 2, I64)
    case("constant", 0, 10, 4, constant=(0, 1, 2))


def expanded(x, axis):
    return [np.expand_dims(x, int(axis))]


def expand_dims(add):
    def case(name, shape, axis, dtype=F32, constant=(1,), oracle=None):
        x = rng("ExpandDims", name).integers(0, 100, shape)
        x = x.astype(str).astype(object) if dtype is str else x.astype(dtype)
        add("ExpandDims", name, [x, np.asarray(axis, np.int32)], constant=constant, oracle=oracle)

    case("front", (2, 3), 0)
    case("middle", (2, 3), 1)
    case("back", (2, 3), 2)
    case("minus1", (2, 3), -1)
    case("minus3", (2, 3), -3)
    case("scalar", (), 0)
    case("empty", (0, 3), 1)
    case("axis_fed", (2, 3, 4), 2, constant=())
    for dtype in (F16, F64, np.bool_, str, *WHOLE):
        case("string" if dtype is str else np.dtype(dtype).name, (2, 3), 1, dtype)
    for dtype in (np.complex64, np.complex128):  # documented, but on no kernel
        case(np.dtype(dtype).name, (2, 3), 1, dtype, oracle=expanded)


def inverse(add):
    def case(name, shape, dtype=F32, x=None):
        if x is None:  # a strong diagonal, so that the inverse is well conditioned
            size = shape[-1]
            x = rng("Inverse", name).standard_normal(shape) + np.eye(size) * (2 + size)
        add("Inverse", name, [np.asarray(x, dtype)])

    case("two", (2, 2))
    case("three", (3, 3))
    case("seven", (7, 7))
    case("one", (1, 1))
    case("batch", (4, 3, 3))
    case("two_batch_axes", (2, 3, 4, 4))
    case("forty", (40, 40))
    case("identity", None, x=np.eye(5))
    case("permutation", None, x=np.eye(4)[[2, 0, 3, 1]])
    case("needs_pivot", None, x=[[0, 1, 2], [1, 0, 3], [4, -3, 8]])
    case("far_scales", None, x=np.diag([1e-3, 1.0, 1e3]))
    case("double", (5, 5), F64)
    case("double_batch", (2, 3, 3), F64)
    case("half", (4, 4), F16)
    case("half_batch", (3, 2, 2), F16)


def ngram(add):
    def case(name, ids, size, words=8):
        ids = np.asarray(ids, I64)
        scores = rng("NGramRepeatBlock", name).standard_normal((len(ids), words)).astype(F32)
        add("NGramRepeatBlock", name, [ids, scores], ngram_size=size)

    case("unigram", [[1, 3, 1, 5]], 1)
    case("bigram", [[1, 2, 3, 1]], 2)
    case("bigram_two_ends", [[1, 2, 1, 3, 1]], 2)
    case("trigram", [[1, 2, 3, 4, 1, 2]], 3)
    case("trigram_none", [[1, 2, 3, 4, 5, 6]], 3)
    case("four", [[7, 6, 5, 4, 7, 6, 5]], 4)
    case("batch", [[1, 2, 3, 1], [2, 2, 2, 2], [0, 7, 0, 7]], 2)
    case("too_short", [[1, 2]], 3)
    case("just_long_enough", [[1, 1]], 2)
    case("all_equal", [[4] * 9], 3)
    case("all_blocked", [[0, 0, 1, 0, 2, 0]], 2, words=3)
    case("one_word", [[0, 0, 0]], 1, words=1)
    case("longer", np.arange(60).reshape(2, 30) % 5, 3)
