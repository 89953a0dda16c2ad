//! Images of other sizes.

use crate::harness::{Case, exact, ints, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

type Attributes<'a> = &'a [(&'a str, &'a str)];

fn scales(values: &[f32]) -> Tensor {
    exact(&[values.len()], values)
}

fn resize(x: Tensor, scales: Option<Tensor>, sizes: Option<Tensor>, attrs: Attributes<'_>) -> Case {
    let attrs: Vec<(&str, Attr)> =
        attrs.iter().map(|&(name, value)| (name, Attr::Str(value.into()))).collect();
    Case::of("", "Resize", 19, &attrs, &[Some(x), None, scales, sizes], 1)
}

fn by_scales(dtype: DType, x: &[usize], by: &[f32], attrs: Attributes<'_>) {
    resize(random(dtype, x, 2.0), Some(scales(by)), None, attrs).knowing(&[2]).check();
}

#[test]
fn all_ways_of_interpolation_agree() {
    let modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"];
    let shapes: [(&[usize], &[f32]); 5] = [
        (&[1, 3, 5, 7], &[1.0, 1.0, 2.0, 2.0]),
        (&[2, 5, 7, 3], &[1.0, 1.7, 0.6, 1.0]),
        (&[9], &[0.33]),
        (&[1, 2, 1, 4], &[1.0, 1.0, 3.0, 0.2]),
        (&[1, 2, 3, 4, 3], &[1.0, 1.0, 2.0, 1.5, 2.5]),
    ];
    for coordinates in modes {
        for mode in ["nearest", "linear", "cubic"] {
            let attrs = [("mode", mode), ("coordinate_transformation_mode", coordinates)];
            for (x, by) in shapes {
                by_scales(F32, x, by, &attrs);
            }
        }
    }
    for dtype in [F16, BF16] {
        for mode in ["nearest", "linear", "cubic"] {
            by_scales(dtype, &[1, 3, 5, 7], &[1.0, 1.0, 2.0, 1.5], &[("mode", mode)]);
            by_scales(dtype, &[1, 3, 5], &[1.0, 1.0, 3.0], &[("mode", mode)]);
        }
    }
}

#[test]
fn elements_of_every_width_are_taken() {
    for dtype in [U8, I8, Bool, I64, F64, I32] {
        for (x, by) in [(&[1usize, 3, 5, 7][..], &[1.0f32, 1.0, 2.0, 2.0][..]), (&[5, 6], &[1.5, 0.4])] {
            by_scales(dtype, x, by, &[("coordinate_transformation_mode", "asymmetric")]);
        }
    }
}

#[test]
fn integers_are_weighed_to_the_bit() {
    for dtype in [U8, I8, U16, I16] {
        let most = if dtype == I8 { 127.0 } else { 250.0 };
        for mode in ["linear", "cubic"] {
            for (x, by) in [
                (&[1usize, 3, 9, 7][..], &[1.0f32, 1.0, 2.0, 2.0][..]),
                (&[40, 33], &[1.7, 0.4]),
                (&[1, 1, 5, 6], &[1.0, 1.0, 3.0, 1.0]),
            ] {
                for coordinates in ["half_pixel", "align_corners"] {
                    let attrs = [("mode", mode), ("coordinate_transformation_mode", coordinates)];
                    let x = random(dtype, x, most);
                    resize(x, Some(scales(by)), None, &attrs).asking(&[2]).check();
                }
            }
        }
    }
}

#[test]
fn the_nearest_one_is_rounded_as_told() {
    for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] {
        for by in [0.5, 1.5, 2.0, 0.1] {
            by_scales(F32, &[2, 30], &[1.0, by], &[("nearest_mode", nearest)]);
        }
    }
}

#[test]
fn sizes_say_it_too() {
    let x = || random(F32, &[1, 2, 5, 6], 1.0);
    for mode in ["nearest", "linear"] {
        let sizes = ints(&[1, 2, 8, 3]);
        resize(x(), None, Some(sizes.clone()), &[("mode", mode)]).knowing(&[3]).check();
        let empty = || Tensor::zeros(F32, &[0]).unwrap();
        resize(x(), Some(empty()), Some(sizes), &[("mode", mode)]).knowing(&[2, 3]).check();
    }
    let attrs =
        [("keep_aspect_ratio_policy", Attr::Str("not_larger".into())), ("axes", Attr::Ints(vec![2, 3]))];
    let inputs = [Some(x()), None, None, Some(ints(&[9, 9]))];
    Case::of("", "Resize", 19, &attrs, &inputs, 1).knowing(&[3]).check();
    let inputs = [Some(x()), None, None, Some(ints(&[7]))];
    Case::of("", "Resize", 19, &[("axes", Attr::Ints(vec![-1]))], &inputs, 1).knowing(&[3]).check();
    let attrs = [("antialias", Attr::Int(1)), ("mode", Attr::Str("cubic".into()))];
    let inputs = [Some(x()), None, None, Some(ints(&[1, 2, 3, 3]))];
    Case::of("", "Resize", 19, &attrs, &inputs, 1).knowing(&[3]).check();
}

#[test]
fn upsample_and_long_tables_agree() {
    let attrs = [("scales", Attr::Floats(vec![1.0, 1.0, 2.0, 3.0])), ("mode", Attr::Str("linear".into()))];
    Case::new("Upsample", 7, &attrs, &[random(F32, &[1, 1, 3, 4], 1.0)]).check();
    by_scales(F32, &[1, 700], &[1.0, 3.0], &[("mode", "linear")]);
    by_scales(F32, &[3, 4], &[1.0, 1.0], &[("mode", "linear")]);
    by_scales(F32, &[0, 4], &[1.0, 2.0], &[("mode", "linear")]);
}

#[test]
fn infinity_and_nan_stay_with_their_neighbors() {
    let x = tensor(F32, &[1, 9], &[1.0, f32::INFINITY, 2.0, f32::NAN, -1e30, 0.0, f32::NEG_INFINITY]);
    for (mode, by) in [("nearest", 2.0), ("linear", 2.0), ("linear", 3.0)] {
        resize(x.clone(), Some(scales(&[1.0, by])), None, &[("mode", mode)]).knowing(&[2]).check();
    }
}

#[test]
fn scales_and_sizes_may_be_read_when_the_model_runs() {
    let x = || random(F32, &[1, 4], 1.0);
    resize(x(), Some(scales(&[1.0, 2.0])), None, &[]).asking(&[2]).check();
    let empty = || Tensor::zeros(F32, &[0]).unwrap();
    resize(x(), Some(empty()), Some(ints(&[1, 7])), &[("mode", "cubic")]).asking(&[2, 3]).check();
}

#[test]
fn regions_are_cut_out_and_what_lies_outside_is_told() {
    let regions: [&[f32]; 4] = [
        &[0.0, 0.0, 0.2, 0.25, 1.0, 1.0, 0.8, 0.75],
        &[0.0, 0.0, -0.4, 0.1, 1.0, 1.0, 1.3, 2.0],
        &[0.0, 0.0, 0.9, 0.5, 1.0, 1.0, 0.1, 0.5],
        &[0.0, 0.0, 3.0, -2.0, 1.0, 1.0, 4.0, -1.0],
    ];
    let cut = |x: Tensor, roi: &[f32], to: &[i64], mode: &str, outside: f32| {
        let attrs = [
            ("mode", Attr::Str(mode.into())),
            ("coordinate_transformation_mode", Attr::Str("tf_crop_and_resize".into())),
            ("extrapolation_value", Attr::Float(outside)),
        ];
        let inputs = [Some(x), Some(scales(roi)), None, Some(ints(to))];
        Case::of("", "Resize", 19, &attrs, &inputs, 1)
    };
    for roi in regions {
        for mode in ["nearest", "linear", "cubic"] {
            for (dtype, outside) in [(F32, 7.5), (F32, f32::INFINITY), (F16, -2.0), (U8, 9.0), (I8, -200.0)] {
                for to in [[2, 2, 4, 5], [2, 2, 1, 3], [2, 2, 5, 6]] {
                    let x = random(dtype, &[2, 2, 5, 6], 3.0);
                    cut(x, roi, &to, mode, outside).knowing(&[1, 3]).check();
                }
            }
        }
        cut(random(I64, &[2, 2, 5, 6], 90.0), roi, &[2, 2, 4, 5], "nearest", 0.0).knowing(&[1, 3]).check();
        // Neither what takes two words, nor a region that only data tells.
        let wide = cut(random(I64, &[2, 2, 5, 6], 90.0), roi, &[2, 2, 4, 5], "nearest", 4.0);
        assert!(!wide.knowing(&[1, 3]).is_taken());
        let told = cut(random(F32, &[2, 2, 5, 6], 90.0), roi, &[2, 2, 4, 5], "linear", 4.0);
        assert!(!told.knowing(&[3]).is_taken());
    }
}
