//! Operators that look at whole slices: softmax, normalizations, losses.

use crate::harness::{Case, exact, random, tensor};
use crate::reductions::AXES;
use edgewise_core::DType::*;
use edgewise_core::ops::Attr;

/// Numbers among which others vanish.
pub const NASTY: [f32; 12] = [
    1e30,
    -1e30,
    5.0,
    f32::NEG_INFINITY,
    f32::NEG_INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    0.0,
    1.0,
    f32::INFINITY,
    2.0,
    -7.0,
];

#[test]
fn slices_become_distributions() {
    for name in ["Softmax", "LogSoftmax", "Hardmax"] {
        for (shape, axis) in [
            (&[3usize, 5][..], -1),
            (&[5, 3], 0),
            (&[2, 3, 5], 1),
            (&[2, 300], 1),
            (&[200, 1], 1),
            (&[1], 0),
            (&[0, 3], 1),
            (&[3, 0], 0),
        ] {
            for dtype in [F32, F16] {
                let x = random(dtype, shape, 20.0);
                let x = [x];
                Case::new(name, 13, &[("axis", Attr::Int(axis))], &x).check();
                Case::new(name, 11, &[("axis", Attr::Int(axis))], &x).check();
            }
        }
        Case::new(name, 13, &[], &[random(F32, &[], 20.0)]).check();
        Case::new(name, 13, &[], &[tensor(F32, &[4, 3], &NASTY)]).check();
        Case::new(name, 13, &[], &[tensor(F32, &[5, 4], &[2.0, 2.0, 1.0])]).check();
    }
    // More groups than one dimension holds.
    Case::new("Softmax", 13, &[], &[random(F32, &[66_000, 2], 20.0)]).check();
}

#[test]
fn rows_are_normalized() {
    for dtype in [F32, F16] {
        for (shape, axis) in
            [(&[3usize, 5][..], -1), (&[2, 3, 5], 1), (&[4, 300], 1), (&[1, 1], -1), (&[0, 4], -1)]
        {
            let first = if axis < 0 { shape.len() - 1 } else { axis as usize };
            let row = &shape[first..];
            let (x, scale, bias) =
                (random(dtype, shape, 9.0), random(dtype, row, 2.0), random(dtype, row, 3.0));
            let attrs = [("axis", Attr::Int(axis)), ("epsilon", Attr::Float(1e-3))];
            let inputs = [x.clone(), scale.clone(), bias];
            Case::new("LayerNormalization", 17, &attrs, &inputs).knowing(&[1, 2]).check();
            Case::new("LayerNormalization", 17, &attrs, &inputs[..2]).knowing(&[1]).check();
            Case::new("RMSNormalization", 23, &attrs, &inputs[..2]).knowing(&[1]).check();
            let simplified = [Some(x.clone()), Some(scale.clone())];
            Case::of("", "SimplifiedLayerNormalization", 1, &attrs, &simplified, 1).knowing(&[1]).check();
            Case::of("", "SimplifiedLayerNormalization", 1, &attrs, &simplified, 2).knowing(&[1]).check();
            let inputs = [Some(x), Some(scale)];
            for wanted in [&[0, 1, 2][..], &[0, 2], &[0, 1]] {
                let case = Case::of("", "LayerNormalization", 17, &attrs, &inputs, 3).knowing(&[1]);
                case.wanting(wanted).check();
            }
        }
        let inputs = [random(F32, &[4, 65], 900.0), random(F32, &[1], 2.0)];
        Case::new("LayerNormalization", 17, &[], &inputs).check();
    }
}

#[test]
fn skip_connections_are_added_before() {
    for dtype in [F32, F16] {
        for (shape, skip) in
            [(&[2usize, 3, 5][..], &[2usize, 3, 5][..]), (&[2, 3, 66], &[1, 3, 66]), (&[2, 3, 5], &[3, 5])]
        {
            let row = &shape[2..];
            let of = |shape: &[usize], most| Some(random(dtype, shape, most));
            let all = [of(shape, 2.0), of(skip, 3.0), of(row, 1.0), of(row, 1.5), of(row, 0.5)];
            let known = [2, 3, 4];
            for (name, inputs) in [
                ("SkipLayerNormalization", &all[..]),
                ("SkipLayerNormalization", &all[..3]),
                ("SkipSimplifiedLayerNormalization", &all[..4]),
                ("SkipSimplifiedLayerNormalization", &all[..3]),
            ] {
                let known = &known[..inputs.len() - 2];
                Case::of("com.microsoft", name, 1, &[], inputs, 1).knowing(known).check();
                Case::of("com.microsoft", name, 1, &[], inputs, 4).wanting(&[0, 3]).knowing(known).check();
            }
        }
    }
}

#[test]
fn groups_of_channels_are_normalized() {
    for (dtype, scale) in [(F32, F32), (F16, F16), (F32, F16)] {
        for (shape, groups) in
            [(&[2usize, 6, 5][..], 3i64), (&[1, 4, 9, 9], 2), (&[3, 2], 1), (&[2, 4, 1], 4)]
        {
            let of = |n: usize, most| random(scale, &[n], most);
            let x = random(dtype, shape, 9.0);
            let channels = shape[1];
            if dtype == scale {
                let inputs = [x.clone(), of(channels, 2.0), of(channels, 3.0)];
                Case::new("InstanceNormalization", 22, &[], &inputs).check();
            }
            let attrs = [("num_groups", Attr::Int(groups)), ("epsilon", Attr::Float(1e-2))];
            let inputs = [x.clone(), of(groups as usize, 2.0), of(groups as usize, 3.0)];
            Case::new("GroupNormalization", 18, &attrs, &inputs).check();
            let inputs = [x, of(channels, 2.0), of(channels, 3.0)];
            Case::new("GroupNormalization", 21, &attrs, &inputs).check();
        }
    }
    let inputs = [random(F32, &[0, 2, 3], 1.0), random(F32, &[2], 1.0), random(F32, &[2], 1.0)];
    Case::new("InstanceNormalization", 22, &[], &inputs).check();
}

#[test]
fn slices_are_divided_by_their_norms() {
    for (shape, axis) in AXES {
        for p in [1, 2] {
            let attrs = [("axis", Attr::Int(axis)), ("p", Attr::Int(p))];
            for dtype in [F32, F16] {
                Case::new("LpNormalization", 22, &attrs, &[random(dtype, shape, 9.0)]).check();
            }
            for most in [1e-25, 1e25, 0.0] {
                Case::new("LpNormalization", 22, &attrs, &[random(F32, shape, most)]).check();
            }
        }
    }
    for dtype in [F32, F16] {
        for (shape, axes) in [(&[2usize, 3, 4, 5][..], &[0i64, 2, 3][..]), (&[3, 70], &[1]), (&[7], &[])] {
            let attrs = [("axes", Attr::Ints(axes.to_vec()))];
            Case::new("MeanVarianceNormalization", 13, &attrs, &[random(dtype, shape, 9.0)]).check();
        }
    }
}

#[test]
fn embeddings_are_summed_and_normalized() {
    let ids = |numbers: &[i32]| Some(exact(&[2, 3], numbers));
    let (words, segments) = (ids(&[0, 6, 3, 1, 1, 5]), ids(&[0, 1, 1, 0, 0, 1]));
    let (mask, positions) = (ids(&[1, 1, 0, 1, 0, 7]), ids(&[4, 0, 2, 1, 1, 3]));
    for dtype in [F32, F16] {
        let of = |shape: &[usize]| Some(random(dtype, shape, 2.0));
        let all = [
            words.clone(),
            segments.clone(),
            of(&[7, 10]),
            of(&[5, 10]),
            of(&[2, 10]),
            of(&[10]),
            of(&[10]),
            mask.clone(),
            positions.clone(),
        ];
        let mut few = all.clone();
        [1, 4, 7].into_iter().for_each(|i| few[i] = None);
        let name = "EmbedLayerNormalization";
        for inputs in [&all[..], &all[..8], &few[..7], &few[..]] {
            Case::of("com.microsoft", name, 1, &[], inputs, 3).check();
            Case::of("com.microsoft", name, 1, &[], inputs, 3).wanting(&[0]).check();
        }
    }
    for dtype in [U8, I8] {
        let of = |shape: &[usize]| Some(tensor(dtype, shape, &[3.0, 100.0, 7.0, 55.0, 120.0, 0.0, 9.0]));
        let mut inputs = vec![
            words.clone(),
            segments.clone(),
            of(&[7, 10]),
            of(&[5, 10]),
            of(&[2, 10]),
            of(&[10]),
            of(&[10]),
        ];
        inputs.push(mask.clone());
        inputs.extend([0.03, 0.02, 0.01, 0.05, 0.04].map(|scale| Some(exact(&[], &[scale as f32]))));
        inputs.extend([1.0, 50.0, 3.0, 9.0, 2.0].map(|zero| Some(tensor(dtype, &[], &[zero]))));
        let known: Vec<usize> = [5, 6].into_iter().chain(8..18).collect();
        let case = Case::of("com.microsoft", "QEmbedLayerNormalization", 1, &[], &inputs, 2);
        case.clone().knowing(&known).check();
        assert!(!case.is_taken());
    }
}

#[test]
fn a_bias_goes_into_a_softmax() {
    for dtype in [F32, F16] {
        for (shape, bias, axis) in [
            (&[2usize, 3, 5][..], &[1usize, 3, 5][..], 2),
            (&[2, 3, 5], &[2, 1, 5], 1),
            (&[4, 70], &[4, 70], 1),
            (&[0, 3], &[1, 3], 1),
        ] {
            let inputs = [Some(random(dtype, shape, 9.0)), Some(random(dtype, bias, 3.0))];
            let attrs = [("axis", Attr::Int(axis)), ("is_inner_broadcast", Attr::Int(0))];
            Case::of("com.microsoft", "BiasSoftmax", 1, &attrs, &inputs, 1).check();
        }
    }
}

#[test]
fn losses_of_classes_agree() {
    for dtype in [F32, F16] {
        for shape in [&[3usize, 5][..], &[2, 4, 6], &[2, 3, 5, 7], &[1, 1]] {
            let samples = [&shape[..1], &shape[2..]].concat();
            let count: usize = samples.iter().product();
            let classes: Vec<i64> = (0..count as i64).map(|i| (i * 7 + 1) % shape[1] as i64).collect();
            let x = random(dtype, shape, 4.0);
            let weights = Some(random(dtype, &[shape[1]], 2.0));
            for reduction in ["none", "sum", "mean"] {
                for ignored in [None, Some(1), Some(-1)] {
                    let mut classes = classes.clone();
                    if let (Some(ignored), Some(class)) = (ignored, classes.first_mut()) {
                        *class = ignored;
                    }
                    let mut attrs = vec![("reduction", Attr::Str(reduction.into()))];
                    attrs.extend(ignored.map(|class| ("ignore_index", Attr::Int(class))));
                    let classes = exact(&samples, &classes);
                    let wide = [Some(x.clone()), Some(classes.clone()), weights.clone()];
                    let few = [Some(x.clone()), Some(crate::harness::cast(&classes, I32))];
                    Case::of("", "NegativeLogLikelihoodLoss", 22, &attrs, &wide, 1).check();
                    Case::of("", "NegativeLogLikelihoodLoss", 22, &attrs, &few, 1).check();
                    Case::of("", "SoftmaxCrossEntropyLoss", 13, &attrs, &wide, 2).check();
                    Case::of("", "SoftmaxCrossEntropyLoss", 13, &attrs, &few, 2).wanting(&[0]).check();
                }
            }
        }
    }
}
