"""QLinear averages: windows, whole images, chosen axes."""

import numpy as np

from .qlinear import KINDS, draw, near_middle, zeros_spelled_out
from .suite import rng

F32, U8 = np.float32, np.uint8


def cases(add):
    average_pool(add)
    global_average(add)
    reduce_mean(add)


def average_pool(add):
    op = "QLinearAveragePool"

    def case(
        name,
        x=(2, 3, 7, 6),
        kind=U8,
        kernel=(2, 2),
        zeros=(1, 1),
        scales=(0.05, 0.04),
        constant=(1, 2, 3, 4),
        **more,
    ):
        r = rng(op, name)
        zx, zy = (
            z if wanted else None for z, wanted in zip(near_middle(r, 2, kind), zeros, strict=True)
        )
        add(
            op,
            name,
            [draw(r, x, kind), F32(scales[0]), zx, F32(scales[1]), zy],
            kernel_shape=list(kernel),
            constant=constant,
            oracle=None if all(zeros) else zeros_spelled_out(op, (2, 4)),
            **more,
        )

    for label, kind in KINDS:
        case(label, kind=kind)
        case(f"{label}_no_zero_points", kind=kind, zeros=(0, 0))
        case(f"{label}_pads", kind=kind, kernel=(3, 3), pads=[1, 1, 1, 1])
        case(
            f"{label}_count_pads", kind=kind, kernel=(3, 3), pads=[1, 1, 1, 1], count_include_pad=1
        )
        case(f"{label}_channels_last", x=(2, 7, 6, 5), kind=kind, channels_last=1)
        case(
            f"{label}_channels_last_pads",
            x=(1, 6, 5, 17),
            kind=kind,
            kernel=(3, 3),
            pads=[1, 1, 1, 1],
            strides=[2, 2],
            channels_last=1,
        )
        case(f"{label}_saturates", kind=kind, scales=(1.0, 0.01))
        case(f"{label}_fed", kind=kind, constant=())
    case("strides", kernel=(3, 2), strides=[2, 3])
    case("ceil", strides=[2, 2], ceil_mode=1)
    case("same_upper", auto_pad="SAME_UPPER")
    case("same_lower", auto_pad="SAME_LOWER", strides=[2, 2])
    case("valid", auto_pad="VALID")
    case("one_axis", x=(2, 3, 9), kernel=(3,))
    case("three_axes", x=(1, 2, 4, 4, 4), kernel=(2, 2, 2), strides=[2, 2, 2])
    case("kernel_of_one", kernel=(1, 1))
    case("whole_image", kernel=(7, 6))


def global_average(add):
    op = "QLinearGlobalAveragePool"

    def case(
        name, x=(2, 3, 7, 6), kind=U8, scales=(0.05, 0.04), fill=None, constant=(1, 2, 3, 4), **more
    ):
        r = rng(op, name)
        values = draw(r, x, kind) if fill is None else np.full(x, fill, kind)
        zx, zy = near_middle(r, 2, kind)
        add(op, name, [values, F32(scales[0]), zx, F32(scales[1]), zy], constant=constant, **more)

    for label, kind in KINDS:
        info = np.iinfo(kind)
        case(label, kind=kind)
        case(f"{label}_channels_last", x=(2, 7, 6, 5), kind=kind, channels_last=1)
        case(f"{label}_channels_first", kind=kind, channels_last=0)
        case(f"{label}_low", kind=kind, fill=info.min)
        case(f"{label}_high", kind=kind, fill=info.max)
        case(f"{label}_saturates", kind=kind, scales=(1.0, 0.01))
        case(f"{label}_fed", kind=kind, constant=())
    case("one_pixel", x=(1, 5, 1, 1))
    case("odd_channels", x=(1, 33, 7, 7))
    case("odd_channels_last", x=(1, 7, 7, 33), channels_last=1)
    case("large", x=(1, 2, 56, 56))


def mean(data, scale, zero, to_scale, to_zero=None, axes=(), keepdims=1):
    """Dequantize, mean in float, quantize; no provider that runs on a CPU has this operator."""
    values = (data.astype(np.float64) - (0 if zero is None else float(zero))) * float(scale)
    averages = values.mean(tuple(axes), keepdims=bool(keepdims))
    info = np.iinfo(data.dtype)
    steps = np.rint(averages / float(to_scale)) + (0 if to_zero is None else float(to_zero))
    return [np.clip(steps, info.min, info.max).astype(data.dtype)]


def reduce_mean(add):
    op = "QLinearReduceMean"

    def case(
        name,
        x=(2, 3, 4, 5),
        kind=U8,
        axes=(1,),
        keepdims=1,
        zeros=(1, 1),
        scales=(0.05, 0.03),
        constant=(1, 2, 3, 4),
    ):
        r = rng(op, name)
        zx, zy = (
            z if wanted else None for z, wanted in zip(near_middle(r, 2, kind), zeros, strict=True)
        )
        add(
            op,
            name,
            [draw(r, x, kind), F32(scales[0]), zx, F32(scales[1]), zy],
            axes=list(axes),
            keepdims=keepdims,
            oracle=mean,
            constant=constant,
        )

    for label, kind in KINDS:
        case(label, kind=kind)
        case(f"{label}_no_keep", kind=kind, keepdims=0)
        case(f"{label}_image", kind=kind, axes=(2, 3))
        case(f"{label}_all", kind=kind, axes=(0, 1, 2, 3), keepdims=0)
        case(f"{label}_negative_axis", kind=kind, axes=(-1,))
        case(f"{label}_no_zero_points", kind=kind, zeros=(0, 0))
        case(f"{label}_saturates", kind=kind, scales=(1.0, 0.01))
    case("one", x=(4, 1, 3))
    case("fed", constant=())
    case("vector", x=(37,), axes=(0,))
