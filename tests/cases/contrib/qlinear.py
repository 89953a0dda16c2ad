"""QLinear operators that work element by element, softmax and concatenation."""

import numpy as np

from .suite import evaluate, rng

F32, I8, U8 = np.float32, np.int8, np.uint8
KINDS = (("u8", U8), ("i8", I8))


def draw(r, shape, kind):
    info = np.iinfo(kind)
    return np.asarray(r.integers(info.min, info.max + 1, shape)).astype(kind)


def near_middle(r, count, kind):
    """Zero points that leave room on both sides, so that few results saturate."""
    info = np.iinfo(kind)
    middle = (info.max + info.min + 1) // 2
    return (middle + r.integers(-30, 31, count)).astype(kind)


def every(kind):
    """All 256 values of a type."""
    info = np.iinfo(kind)
    return np.arange(info.min, info.max + 1).astype(kind)


def cases(add):
    binary(add, "QLinearAdd", 0.03)
    binary(add, "QLinearMul", 0.06)
    unary(add, "QLinearSigmoid", 1 / 256)
    unary(add, "QLinearLeakyRelu", 0.05)
    softmax(add)
    where(add)
    concat(add)


def zeros_spelled_out(op, places):
    """The oracle for absent zero points at `places`, some of which onnxruntime trips over."""

    def oracle(*inputs, **attributes):
        inputs = list(inputs) + [None] * (max(places) + 1 - len(inputs))
        for k in places:
            if inputs[k] is None:
                inputs[k] = np.zeros((), inputs[0].dtype)
        return evaluate(op, inputs, attributes)

    return oracle


def binary(add, op, y_scale):
    def case(
        name,
        a=(3, 5),
        b=(3, 5),
        kind=U8,
        zeros=(1, 1, 1),
        scales=(0.02, 0.03, None),
        values=None,
        points=None,
        constant=(1, 2, 4, 5, 6, 7),
    ):
        r = rng(op, name)
        a, b = values or (draw(r, a, kind), draw(r, b, kind))
        points = [kind(z) for z in points] if points else near_middle(r, 3, kind)
        za, zb, zy = (z if wanted else None for z, wanted in zip(points, zeros, strict=True))
        add(
            op,
            name,
            [a, F32(scales[0]), za, b, F32(scales[1]), zb, F32(scales[2] or y_scale), zy],
            constant=constant,
            oracle=None if all(zeros[:2]) else zeros_spelled_out(op, (2, 5, 7)),
        )

    for label, kind in KINDS:
        info = np.iinfo(kind)
        case(label, kind=kind)
        case(f"{label}_no_zero_points", kind=kind, zeros=(0, 0, 0))
        case(f"{label}_scalar", b=(), kind=kind)
        case(f"{label}_broadcast", (2, 1, 7), (4, 1), kind)
        all_pairs = tuple(np.ascontiguousarray(g) for g in np.meshgrid(every(kind), every(kind)))
        case(f"{label}_all_pairs", kind=kind, values=all_pairs)
        case(f"{label}_saturates", (4, 33), (4, 33), kind, scales=(1.0, 1.0, 0.01))
        case(
            f"{label}_limits",
            kind=kind,
            values=(np.full(9, info.max, kind), np.full(9, info.min, kind)),
            points=(info.min, info.max, info.min),
        )
        case(f"{label}_fed", (2, 3, 4), (4,), kind, constant=())
    case("left_scalar", (), (4, 6))
    case("channel", (2, 3, 4, 5), (1, 3, 1, 1))
    case("one", (1,), (1,))
    case("long", (1, 1031), (1, 1031))
    case("a_zero_only", zeros=(1, 0, 0))
    case("output_zero_absent", zeros=(1, 1, 0))
    case("far_scales", (5, 40), (5, 40), scales=(1e-4, 0.5, 0.3))
    case("empty", (0, 4), (0, 4))


def unary(add, op, y_scale):
    def case(
        name,
        x=(3, 7),
        kind=U8,
        zeros=(1, 1),
        scale=0.05,
        to=y_scale,
        values=None,
        points=None,
        constant=(1, 2, 3, 4),
        **more,
    ):
        r = rng(op, name)
        points = [kind(z) for z in points] if points else near_middle(r, 2, kind)
        zx, zy = (z if wanted else None for z, wanted in zip(points, zeros, strict=True))
        add(
            op,
            name,
            [draw(r, x, kind) if values is None else values, F32(scale), zx, F32(to), zy],
            constant=constant,
            oracle=None if all(zeros) else zeros_spelled_out(op, (2, 4)),
            **more,
        )

    for label, kind in KINDS:
        middle = 128 if kind is U8 else 0
        case(label, kind=kind)
        case(f"{label}_all", kind=kind, values=every(kind), points=(middle, middle - 128))
        case(f"{label}_no_zero_points", kind=kind, zeros=(0, 0))
        case(f"{label}_saturates", kind=kind, values=every(kind), scale=3.0, to=0.001)
        case(f"{label}_fed", kind=kind, constant=())
        case(f"{label}_fine", kind=kind, values=every(kind), scale=0.001, points=(middle, middle))
    case("scalar", ())
    case("four_axes", (2, 3, 4, 5))
    case("long", (1031,))
    if op == "QLinearLeakyRelu":
        for name, alpha in (("zero", 0.0), ("one", 1.0), ("negative", -0.5), ("large", 2.0)):
            case(f"alpha_{name}", values=every(U8), points=(128, 100), alpha=alpha)


def one_of_one(x, *rest, opset, axis):
    """A row of one value has probability 1, which is the highest step; onnxruntime wraps to 0."""
    return [np.full(x.shape, np.iinfo(x.dtype).max, x.dtype)]


def softmax(add):
    op = "QLinearSoftmax"

    def case(
        name,
        x=(3, 10),
        kind=U8,
        opset=13,
        scale=0.05,
        zero=True,
        values=None,
        limit=True,
        constant=(1, 2, 3, 4),
        to=1 / 256,
        oracle=None,
        **more,
    ):
        r = rng(op, name)
        low = int(np.iinfo(kind).min)
        point = kind(low if limit else r.integers(low, low + 60))
        add(
            op,
            name,
            [
                draw(r, x, kind) if values is None else values,
                F32(scale),
                kind(r.integers(low, low + 200)) if zero else None,
                F32(to),
                point,
            ],
            opset=opset,
            constant=constant,
            oracle=oracle,
            **more,
        )

    for label, kind in KINDS:
        case(label, kind=kind)
        case(f"{label}_last_axis", (2, 3, 11), kind, axis=-1)
        case(f"{label}_axis1", (2, 5, 6), kind, axis=1)
        case(f"{label}_flattened", (2, 5, 6), kind, opset=12, axis=1)
        case(f"{label}_no_zero_point", kind=kind, zero=False)
        case(f"{label}_zero_point_inside", kind=kind, limit=False)
        case(f"{label}_equal", kind=kind, values=np.full((4, 7), 99, kind))
        case(
            f"{label}_limits",
            kind=kind,
            axis=-1,
            scale=1.0,
            values=np.array([[np.iinfo(kind).min, np.iinfo(kind).max, 0]] * 2).astype(kind),
        )
    case("flattened_axis0", (2, 3, 4), opset=11, axis=0)
    case("row_of_one", (5, 1), axis=-1, oracle=one_of_one)
    case("axis0", (6, 4), axis=0)
    case("long_row", (2, 1031), axis=-1)
    case("large_scale", (3, 12), scale=10.0)
    case("coarse_output", (3, 6), to=0.1)
    case("four_axes", (1, 2, 3, 8), axis=-1)


def where(add):
    op = "QLinearWhere"

    def case(
        name,
        c=(3, 5),
        x=(3, 5),
        y=(3, 5),
        kind=U8,
        scales=(0.02, 0.05, 0.04),
        points=None,
        condition=None,
        constant=(2, 3, 5, 6, 7, 8),
    ):
        r = rng(op, name)
        zx, zy, zz = [kind(z) for z in points] if points else near_middle(r, 3, kind)
        condition = r.integers(0, 2, c).astype(bool) if condition is None else condition
        sx, sy, sz = map(F32, scales)
        add(
            op,
            name,
            [np.asarray(condition), draw(r, x, kind), sx, zx, draw(r, y, kind), sy, zy, sz, zz],
            constant=constant,
        )

    for label, kind in KINDS:
        case(label, kind=kind)
        case(f"{label}_broadcast", (3, 1), (1, 5), (2, 3, 5), kind)
        case(f"{label}_same_scale", kind=kind, scales=(0.1, 0.1, 0.1), points=(3, 3, 3))
        case(f"{label}_saturates", kind=kind, scales=(1.0, 2.0, 0.01))
        case(f"{label}_x_scalar", (4, 4), (), (4, 4), kind)
    case("condition_scalar", ())
    case("all_true", condition=np.ones((3, 5), bool))
    case("all_false", condition=np.zeros((3, 5), bool))
    case("y_scalar", (4, 4), (4, 4), ())
    case("long", (1031,), (1031,), (1031,))


def concat(add):
    op = "QLinearConcat"

    def case(name, shapes, axis, kind=U8, same=False, to=0.05, constant=True):
        r = rng(op, name)
        inputs, fixed = [F32(to), draw(r, (), kind)], [0, 1]
        for shape in shapes:
            at = len(inputs)
            inputs += [
                draw(r, shape, kind),
                F32(to) if same else F32(r.uniform(0.02, 0.1)),
                inputs[1] if same else draw(r, (), kind),
            ]
            fixed += [at + 1, at + 2]
        add(op, name, inputs, axis=axis, constant=fixed if constant else ())

    for label, kind in KINDS:
        case(label, [(2, 3), (2, 4)], 1, kind)
        case(f"{label}_three", [(2, 3, 4), (1, 3, 4), (5, 3, 4)], 0, kind)
        case(f"{label}_negative_axis", [(2, 3, 4), (2, 3, 1)], -1, kind)
        case(f"{label}_same_scales", [(2, 3), (2, 3)], 1, kind, same=True)
        case(f"{label}_saturates", [(4, 8), (4, 8)], 0, kind, to=0.001)
        case(f"{label}_fed", [(2, 3), (2, 4)], 1, kind, constant=False)
    case("one_input", [(3, 4)], 0)
    case("empty_input", [(2, 0), (2, 3)], 1)
    case("channels", [(1, 3, 4, 4), (1, 5, 4, 4)], 1)
    case("odd_widths", [(3, 1), (3, 2), (3, 3), (3, 5), (3, 7)], 1)
