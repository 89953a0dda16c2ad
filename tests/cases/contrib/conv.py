"""FusedConv (an activation and a sum folded into Conv) and NhwcMaxPool."""

import numpy as np

from .suite import AS_FLOAT32, rng

F32, F64, F16, I8, U8 = np.float32, np.float64, np.float16, np.int8, np.uint8


def cases(add):
    fused_conv(add)
    nhwc_max_pool(add)


def fused_conv(add):
    def case(
        name, x=(2, 4, 7, 6), w=(5, 4, 3, 3), bias=True, z=None, dtype=F32, constant=(1, 2), **more
    ):
        r = rng("FusedConv", name)
        draw = lambda s: None if s is None else r.standard_normal(s).astype(dtype)
        add(
            "FusedConv",
            name,
            [draw(x), draw(w), draw(w[:1] if bias else None), draw(z)],
            oracle=None if dtype is F32 else AS_FLOAT32,
            constant=constant,
            **more,
        )

    case("relu", activation="Relu")
    case("no_bias", bias=False, activation="Relu")
    case("no_activation")
    case("tanh", activation="Tanh")
    case("sigmoid", activation="Sigmoid")
    case("leaky_relu", activation="LeakyRelu", activation_params=[0.2])
    case("clip", activation="Clip", activation_params=[-1.0, 2.0])
    case("hard_sigmoid", activation="HardSigmoid", activation_params=[0.2, 0.5])
    case("sum", z=(2, 5, 5, 4), activation="Relu")
    case("sum_no_bias", z=(2, 5, 5, 4), bias=False, activation="Relu")
    case("sum_alone", z=(2, 5, 5, 4))
    case("pads", pads=[1, 0, 2, 1], activation="Relu")
    case("strides", strides=[2, 3], pads=[1, 1, 1, 1], activation="Relu")
    case("dilations", dilations=[2, 2], pads=[2, 2, 2, 2], activation="Relu")
    case("same_upper", auto_pad="SAME_UPPER", strides=[2, 2], activation="Relu")
    case("same_lower", auto_pad="SAME_LOWER", activation="Relu")
    case("valid", auto_pad="VALID", kernel_shape=[3, 3], activation="Relu")
    case("kernel_shape", kernel_shape=[3, 3], activation="Relu")
    case("group", w=(6, 2, 3, 3), group=2, activation="Relu")
    case(
        "depthwise",
        x=(1, 6, 8, 8),
        w=(6, 1, 3, 3),
        group=6,
        pads=[1] * 4,
        activation="Clip",
        activation_params=[0.0, 6.0],
    )
    case("pointwise", w=(17, 4, 1, 1), activation="Relu")
    case("one_axis", x=(2, 3, 11), w=(4, 3, 3), activation="Relu")
    case("three_axes", x=(1, 2, 4, 5, 4), w=(3, 2, 2, 3, 2), activation="Relu")
    case("one_pixel", x=(1, 1, 1, 1), w=(1, 1, 1, 1), activation="Relu")
    case("weights_fed", constant=(), activation="Relu")
    case("half", dtype=F16, activation="Relu")
    case("half_sum", dtype=F16, z=(2, 5, 5, 4), activation="Relu")
    case("double", dtype=F64, activation="Relu")


def nhwc_max_pool(add):
    def case(name, x=(2, 7, 6, 5), dtype=U8, fill=None, **more):
        r = rng("NhwcMaxPool", name)
        info = np.iinfo(dtype)
        values = r.integers(info.min, info.max + 1, x) if fill is None else np.full(x, fill)
        add("NhwcMaxPool", name, [values.astype(dtype)], **more)

    for label, dtype in (("u8", U8), ("i8", I8)):
        case(label, dtype=dtype, kernel_shape=[2, 2])
        case(f"{label}_strides", dtype=dtype, kernel_shape=[3, 2], strides=[2, 2])
        case(f"{label}_pads", dtype=dtype, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        case(f"{label}_dilations", dtype=dtype, kernel_shape=[2, 3], dilations=[3, 2])
    case("i8_lowest_with_pads", dtype=I8, kernel_shape=[3, 3], pads=[1, 1, 1, 1], fill=-128)
    case("u8_highest", kernel_shape=[3, 3], fill=255)
    case("ceil", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    case("floor", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=0)
    case("same_upper", kernel_shape=[2, 2], auto_pad="SAME_UPPER")
    case("same_lower", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
    case("valid", kernel_shape=[3, 3], auto_pad="VALID")
    case("one_axis", x=(2, 9, 3), kernel_shape=[3])
    case("three_axes", x=(1, 4, 4, 4, 3), kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    case("one_channel", x=(1, 5, 5, 1), kernel_shape=[2, 2])
    case("many_channels", x=(1, 4, 4, 67), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    case("whole_image", x=(1, 4, 5, 8), kernel_shape=[4, 5])
