"""MatMulNBits: weights in blocks of 2, 4 or 8 bits along K, times float activations."""

import ml_dtypes
import numpy as np

from .suite import AS_FLOAT32, rng

F32, F16, BF16 = np.float32, np.float16, ml_dtypes.bfloat16


def pack_bits(values, bits):
    """Unsigned values packed along the last axis, the first one in the lowest bits."""
    per_byte = 8 // bits
    short = -values.shape[-1] % per_byte
    values = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, short)]).astype(np.uint8)
    groups = values.reshape(*values.shape[:-1], -1, per_byte)
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    return np.bitwise_or.reduce(groups << shifts, axis=-1).astype(np.uint8)


def dequantized(a, b, scales, zero_points, K, N, bits, block_size, **_):
    """The definition in numpy, for zero points that are floats."""
    shifts = np.arange(8 // bits, dtype=np.uint8) * bits
    values = (b[..., None] >> shifts & (2**bits - 1)).reshape(N, -1, block_size).astype(F32)
    weights = (values - zero_points[..., None]) * scales[..., None]
    return [a @ weights.reshape(N, -1)[:, :K].T]


def parts(r, shape, n, k, bits, block, dtype, zeros, bias, spread):
    blocks = -(-k // block)
    a = (r.standard_normal(shape) * spread).astype(dtype)
    b = pack_bits(r.integers(0, 2**bits, (n, blocks, block)), bits)
    scales = (r.uniform(0.2, 1.0, (n, blocks)) / 2**bits).astype(dtype)
    if zeros == "packed":
        zero_points = pack_bits(r.integers(0, 2**bits, (n, blocks)), bits)
    elif zeros == "float":
        zero_points = (r.uniform(0, 2**bits - 1, (n, blocks))).astype(dtype)
    else:
        zero_points = None
    return a, b, scales, zero_points, r.standard_normal(n).astype(dtype) if bias else None


def cases(add):
    def case(
        name,
        shape,
        n,
        bits=4,
        block=32,
        dtype=F32,
        zeros=None,
        bias=False,
        constant=True,
        group=None,
        spread=1.0,
        oracle=None,
        **more,
    ):
        k = shape[-1]
        r = rng("MatMulNBits", name)
        a, b, scales, zero_points, c = parts(
            r, shape, n, k, bits, block, dtype, zeros, bias, spread
        )
        variant = "int8" if more.get("accuracy_level") == 4 else None
        add(
            "MatMulNBits",
            name,
            [a, b, scales, zero_points, group, c],
            K=k,
            N=n,
            bits=bits,
            block_size=block,
            constant=(1, 2, 3, 4, 5) if constant else (),
            variant=variant,
            oracle=oracle,
            **more,
        )

    for bits in (2, 4, 8):
        for block in (16, 32, 64, 128):
            case(f"b{bits}_block{block}", (3, 2 * block), 24, bits, block)
        case(f"b{bits}_ragged_k", (5, 83), 17, bits, 32)
        case(f"b{bits}_zero_points", (4, 160), 19, bits, 32, zeros="packed")
        case(f"b{bits}_zero_points_odd_blocks", (2, 80), 7, bits, 16, zeros="packed", bias=True)
        # The CPU provider takes float zero points for fewer than 8 bits only.
        case(
            f"b{bits}_float_zero_points",
            (4, 96),
            16,
            bits,
            32,
            zeros="float",
            oracle=dequantized if bits == 8 else None,
        )
        case(f"b{bits}_half", (3, 64), 16, bits, 32, F16, zeros="packed")
        case(f"b{bits}_token", (1, 1, 256), 33, bits, 64, bias=True)
        case(f"b{bits}_bfloat16", (3, 64), 16, bits, 32, BF16, zeros="packed", oracle=AS_FLOAT32)
    for level in (0, 1, 4):
        case(f"accuracy{level}", (2, 7, 128), 40, accuracy_level=level)
        case(f"accuracy{level}_zero_points", (1, 128), 40, zeros="packed", accuracy_level=level)
        case(f"accuracy{level}_half", (3, 64), 8, dtype=F16, bias=True, accuracy_level=level)
    for bits in (2, 8):
        case(f"b{bits}_accuracy4", (3, 128), 40, bits, zeros="packed", accuracy_level=4)
    case("accuracy4_ragged_k", (4, 100), 12, block=64, bias=True, accuracy_level=4)
    case("accuracy2", (3, 64), 8, accuracy_level=2)
    case("accuracy3", (3, 64), 8, accuracy_level=3)
    case("half_float_zero_points", (2, 64), 8, dtype=F16, zeros="float", bias=True)
    case("bfloat16_float_zero_points", (2, 64), 8, dtype=BF16, zeros="float", oracle=AS_FLOAT32)
    case("one_by_one", (1, 16), 1, block=16)
    case("k_below_block", (2, 5), 3, block=16, zeros="packed")
    case("k_one", (4, 1), 6, block=16)
    case("tall", (70, 64), 9, weight_prepacked=0)
    case("wide", (1, 32), 515, bias=True)
    case("batch", (2, 3, 4, 48), 10, block=16)
    case("large_values", (3, 64), 16, spread=1e4)
    case("tiny_values", (3, 64), 16, spread=1e-4)
    case("weights_fed", (3, 64), 16, zeros="packed", bias=True, constant=False)
    case("half_weights_fed", (2, 96), 16, dtype=F16, constant=False)
    case("group_index", (3, 64), 8, group=np.repeat([1, 0, 1, 0], 16).astype(np.int32))
    limits(add)


def limits(add):
    """Every weight at one end of its range, and activations that are all equal or all zero."""
    for bits in (2, 4, 8):
        for end, byte in (("low", 0), ("high", 255)):
            b = np.full((6, 2, 32 * bits // 8), byte, np.uint8)
            add(
                "MatMulNBits",
                f"b{bits}_all_{end}",
                [np.ones((2, 64), F32), b, np.ones((6, 2), F32)],
                K=64,
                N=6,
                bits=bits,
                block_size=32,
                constant=(1, 2),
            )
    b = rng("zero").integers(0, 256, (6, 2, 16), dtype=np.uint8)
    for level in (0, 4):
        add(
            "MatMulNBits",
            f"zero_rows_accuracy{level}",
            [np.zeros((2, 64), F32), b, np.ones((6, 2), F32)],
            K=64,
            N=6,
            bits=4,
            block_size=32,
            accuracy_level=level,
            constant=(1, 2),
            variant="int8" if level == 4 else None,
        )
