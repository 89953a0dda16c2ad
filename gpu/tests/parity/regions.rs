//! Regions of images, and what pools took put back.

use crate::harness::{Case, exact, ints, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

type Attributes = Vec<(&'static str, Attr)>;

fn aligned(dtype: DType, x: &[usize], rois: &[f32], batches: &Tensor, attrs: &Attributes) -> Case {
    let rois = tensor(dtype, &[rois.len() / 4, 4], rois);
    Case::new("RoiAlign", 16, attrs, &[random(dtype, x, 2.0), rois, batches.clone()])
}

fn ways() -> Vec<Attributes> {
    let mut all = Vec::new();
    for mode in ["avg", "max"] {
        for way in ["half_pixel", "output_half_pixel"] {
            for (ratio, scale) in [(1, 1.0), (2, 0.25), (3, 1.7), (32, 1.0)] {
                all.push(vec![
                    ("mode", Attr::Str(mode.into())),
                    ("coordinate_transformation_mode", Attr::Str(way.into())),
                    ("sampling_ratio", Attr::Int(ratio)),
                    ("spatial_scale", Attr::Float(scale)),
                    ("output_height", Attr::Int(3)),
                    ("output_width", Attr::Int(2)),
                ]);
            }
        }
    }
    all
}

#[test]
fn regions_are_brought_to_one_size() {
    let rois = [
        0.0, 0.0, 9.0, 7.0, 1.3, 2.7, 5.1, 3.3, -4.0, -2.0, 3.0, 30.0, 4.0, 5.0, 4.0, 5.0, 8.0, 7.0, 1.0, 2.0,
    ];
    let batches = ints(&[1, 0, 1, 1, 0]);
    for attrs in ways() {
        for dtype in [F32, F16, BF16] {
            aligned(dtype, &[2, 3, 8, 11], &rois, &batches, &attrs).check();
        }
        // One element, and one row.
        aligned(F32, &[1, 1, 1, 1], &rois[..4], &ints(&[0]), &attrs).check();
        aligned(F32, &[1, 2, 1, 6], &rois[..8], &ints(&[0, 0]), &attrs).check();
        aligned(F32, &[1, 2, 4, 6], &[], &ints(&[]), &attrs).check();
    }
    // As many samples as a region has elements.
    let adaptive = aligned(F32, &[1, 1, 4, 4], &rois[..4], &ints(&[0]), &vec![]);
    assert!(!adaptive.is_taken());
    // A version that had no half of a pixel.
    let old = Case::new(
        "RoiAlign",
        10,
        &[("sampling_ratio", Attr::Int(2))],
        &[random(F32, &[1, 2, 5, 5], 1.0), exact(&[1, 4], &[0f32, 1.0, 3.0, 4.0]), ints(&[0])],
    );
    old.check();
}

#[test]
fn regions_of_no_numbers_and_of_no_end() {
    let nan = f32::NAN;
    for attrs in ways() {
        let rois = [nan, nan, nan, nan, 0.0, nan, 3.0, 4.0, 1e6, 1e6, 1e6, 1e6, -0.75, -1.0, 2.5, 3.0];
        aligned(F32, &[1, 2, 4, 5], &rois, &ints(&[0; 4]), &attrs).check();
        // Most of its samples lie outside.
        aligned(F32, &[1, 1, 4, 5], &[-900.0, -900.0, 900.0, 900.0], &ints(&[0]), &attrs).check();
    }
}

#[test]
fn broken_regions_are_errors() {
    let rois = [0.0, 0.0, 3.0, 3.0, 1.0, 1.0, 2.0, 2.0];
    for bad in [2, -1, 2 + (1 << 30)] {
        let attrs = vec![("sampling_ratio", Attr::Int(2))];
        aligned(F32, &[2, 1, 4, 4], &rois, &ints(&[0, bad]), &attrs).check_refused();
    }
}

fn unpooled(x: Tensor, at: &[i64], attrs: &Attributes, shape: Option<&[i64]>) -> Case {
    let at = exact(x.shape(), at);
    let inputs = [Some(x), Some(at), shape.map(ints)];
    Case::of("", "MaxUnpool", 11, attrs, &inputs, 1).asking(&[2])
}

fn list(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
    (name, Attr::Ints(values.to_vec()))
}

#[test]
fn what_a_pool_took_is_put_back() {
    let twos = vec![list("kernel_shape", &[2, 2]), list("strides", &[2, 2])];
    let at = [5, 7, 13, 15, 0, 30, 2, 21];
    for dtype in [F32, F16, BF16, F64] {
        let x = random(dtype, &[1, 2, 2, 2], 3.0);
        unpooled(x.clone(), &at, &twos, None).check();
        unpooled(x.clone(), &at, &twos, Some(&[1, 2, 5, 7])).check();
        // The last one stays, and elements of no number are moved as they are.
        unpooled(x, &[3, 3, 3, 9, 9, 9, 9, 0], &twos, Some(&[2, 3, 5, 5])).check();
    }
    let odd = exact(&[1, 1, 3], &[f32::NAN, f32::INFINITY, -0.0]);
    unpooled(odd, &[6, 0, 2], &vec![list("kernel_shape", &[3]), list("strides", &[2])], None).check();
    let none = random(F32, &[0, 2, 2, 2], 1.0);
    unpooled(none, &[], &twos, None).check();
    let none = random(F32, &[0, 2, 2, 2], 1.0);
    unpooled(none, &[], &twos, Some(&[1, 2, 4, 4])).check();
}

#[test]
fn places_outside_of_what_was_pooled_are_errors() {
    let twos = vec![list("kernel_shape", &[2, 2])];
    for at in [4, -1, i64::MAX, i64::MIN] {
        for shape in [None, Some(&[1i64, 1, 3, 3][..])] {
            unpooled(random(F32, &[1, 1, 1, 1], 1.0), &[at], &twos, shape).check_refused();
        }
    }
}
