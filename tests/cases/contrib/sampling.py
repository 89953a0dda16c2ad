"""GridSample and CropAndResize: images read at places between their pixels."""

import numpy as np

from .suite import AS_FLOAT32, rng

F32, F64, F16 = np.float32, np.float64, np.float16


def cases(add):
    grid_sample(add)
    crop_and_resize(add)


def grid_sample(add):
    def case(name, x=(2, 3, 5, 6), grid=(4, 3), reach=1.3, points=None, dtype=F32, **more):
        r = rng("GridSample", name)
        at = r.uniform(-reach, reach, (x[0], *grid, 2)) if points is None else np.asarray(points)
        add(
            "GridSample",
            name,
            [r.standard_normal(x).astype(dtype), at.astype(dtype)],
            oracle=None if dtype is F32 else AS_FLOAT32,
            **more,
        )

    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (0, 1):
                case(
                    f"{mode}_{padding}_{corners}",
                    mode=mode,
                    padding_mode=padding,
                    align_corners=corners,
                )
    corners = [[[[-1, -1], [1, 1], [-1, 1], [0, 0]]]]
    case("default")
    case("corners", x=(1, 2, 4, 4), points=corners, align_corners=1)
    case("corners_outside", x=(1, 2, 4, 4), points=corners, align_corners=0)
    case("one_pixel", x=(1, 1, 1, 1), grid=(3, 3))
    case("far_outside", reach=4.0, padding_mode="zeros")
    case("far_reflection", reach=6.0, padding_mode="reflection")
    case("one_point", grid=(1, 1))
    case("half", dtype=F16)
    case("double", dtype=F64, mode="bicubic")


def crop_and_resize(add):
    def case(
        name, rois, images=None, x=(2, 3, 6, 7), size=(4, 5), dtype=F32, constant=(3,), **more
    ):
        r = rng("CropAndResize", name)
        images = images or [k % x[0] for k in range(len(rois))]
        add(
            "CropAndResize",
            name,
            [
                r.standard_normal(x).astype(dtype),
                np.array(rois, dtype),
                np.array(images, np.int32),
                np.array(size, np.int32),
            ],
            constant=constant,
            oracle=None if dtype is F32 else AS_FLOAT32,
            **more,
        )

    some = [[0.1, 0.2, 0.7, 0.8], [0.0, 0.0, 1.0, 1.0], [0.3, 0.1, 0.5, 0.9]]
    case("plain", some)
    for mode in ("bilinear", "nearest"):
        case(mode, some, mode=mode)
        case(f"{mode}_outside", [[-0.3, -0.2, 1.4, 1.2]], mode=mode, extrapolation_value=-7.5)
        case(f"{mode}_flipped", [[0.9, 0.8, 0.1, 0.2]], mode=mode)
        case(f"{mode}_one_pixel_out", some, size=(1, 1), mode=mode)
    case("row", some, size=(1, 6))
    case("column", some, size=(6, 1))
    case("enlarged", [[0.0, 0.0, 1.0, 1.0]], size=(17, 13))
    case("same_size", [[0.0, 0.0, 1.0, 1.0]], size=(6, 7))
    case("same_image", some, images=[1, 1, 1])
    case("point", [[0.5, 0.5, 0.5, 0.5]])
    case("all_outside", [[1.5, 1.5, 2.0, 2.0]], extrapolation_value=2.0)
    case("one_pixel_in", [[0.0, 0.0, 1.0, 1.0]], x=(1, 2, 1, 1))
    case("size_fed", some, constant=())
    case("half", some, dtype=F16)
    case("double", some, dtype=F64)
