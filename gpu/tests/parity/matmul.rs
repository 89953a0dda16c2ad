//! Matrix products, and what follows them.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

const FLOATS: [DType; 3] = [F32, F16, BF16];

fn matmul(a: Tensor, b: Tensor) {
    Case::new("MatMul", 13, &[], &[a, b]).check();
}

fn shapes(dtype: DType, a: &[usize], b: &[usize]) {
    matmul(random(dtype, a, 1.0), random(dtype, b, 2.0));
}

#[test]
fn products_of_all_sizes_agree() {
    for dtype in FLOATS {
        let sizes: &[usize] = if dtype == F32 { &[1, 3, 4, 8, 9, 65, 130] } else { &[5, 67] };
        for &rows in sizes {
            for (depth, cols) in [(1, 1), (4, 8), (16, 64), (17, 33), (67, 131), (132, 68), (7, 4)] {
                shapes(dtype, &[rows, depth], &[depth, cols]);
            }
        }
    }
}

#[test]
fn deep_products_are_split_along_their_depth() {
    for (rows, depth, cols) in [(12, 1000, 70), (64, 513, 5), (9, 2048, 64), (65, 1000, 70)] {
        shapes(F32, &[rows, depth], &[depth, cols]);
    }
    shapes(F16, &[3, 12, 600], &[3, 600, 7]);
    for c in [&[70][..], &[20, 1], &[20, 70], &[]] {
        let inputs = [
            Some(random(F32, &[20, 700], 1.0)),
            Some(random(F32, &[700, 70], 1.0)),
            Some(random(F32, c, 9.0)),
        ];
        let attrs = [("activation", Attr::Str("LeakyRelu".into())), ("alpha", Attr::Float(0.1))];
        Case::of("com.microsoft", "FusedGemm", 1, &attrs, &inputs, 1).check();
    }
}

#[test]
fn a_row_has_the_same_bits_among_few_in_one_tile_and_among_many() {
    let outputs = |rows: usize| {
        Case::new("MatMul", 13, &[], &[random(F32, &[rows, 600], 1.0), random(F32, &[600, 70], 1.0)])
            .outputs()
    };
    for (less, more) in [(1, 8), (9, 64), (65, 200)] {
        let (Some(less), Some(more)) = (outputs(less), outputs(more)) else { return };
        let (less, more) = (less[0].view(), more[0].view());
        assert_eq!(less.bytes(), &more.bytes()[..less.bytes().len()]);
    }
}

#[test]
fn batches_broadcast() {
    let cases: [(&[usize], &[usize]); 12] = [
        (&[3, 5, 7], &[7, 9]),
        (&[3, 20, 8], &[3, 8, 12]),
        (&[2, 1, 5, 8], &[1, 3, 8, 4]),
        (&[2, 3, 70, 5], &[3, 5, 66]),
        (&[5, 6], &[4, 6, 7]),
        (&[6], &[6, 7]),
        (&[5, 6], &[6]),
        (&[6], &[6]),
        (&[6], &[2, 6, 3]),
        (&[2, 9, 6], &[6]),
        (&[1, 2, 1, 2, 1, 3, 4], &[1, 1, 2, 1, 2, 4, 3]),
        (&[40, 4, 3], &[40, 3, 5]),
    ];
    for (a, b) in cases {
        shapes(F32, a, b);
        shapes(F16, a, b);
    }
}

#[test]
fn products_of_nothing_are_nothing_and_sums_of_nothing_are_zero() {
    for (a, b) in [([0, 3], [3, 4]), ([3, 4], [4, 0]), ([5, 0], [0, 6]), ([20, 0], [0, 70])] {
        shapes(F32, &a, &b);
        shapes(F16, &a, &b);
    }
    shapes(F32, &[0, 3, 4], &[4, 5]);
    shapes(F32, &[2, 0, 3, 4], &[1, 4, 5]);
}

#[test]
fn infinity_and_nan_stay_in_their_rows_and_columns() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for rows in [3, 20] {
        let mut a = vec![1.0; rows * 5];
        a[0..5].fill(-inf);
        a[7] = nan;
        a[11] = 1e30;
        let a = Tensor::new(&[rows, 5], &a).unwrap();
        for last in [1.0, 0.0, inf, nan, -1e30] {
            matmul(a.clone(), tensor(F32, &[5, 6], &[1.0, 2.0, -3.0, 1e30, 0.5, 1.0, last]));
        }
    }
}

#[test]
fn fused_products_transpose_and_scale() {
    let flags = |names: &[&str]| -> Vec<(&'static str, Attr)> {
        let all = ["transA", "transB", "transBatchA", "transBatchB"];
        all.into_iter().filter(|name| names.contains(name)).map(|name| (name, Attr::Int(1))).collect()
    };
    let cases: [(&[&str], &[usize], &[usize]); 7] = [
        (&["transA"], &[3, 9, 20], &[3, 9, 5]),
        (&["transA"], &[12, 4], &[12, 8]),
        (&["transB"], &[2, 5, 17], &[2, 33, 17]),
        (&["transB"], &[70, 16], &[68, 16]),
        (&["transA", "transB"], &[8, 68], &[33, 8]),
        (&["transBatchA", "transBatchB"], &[5, 3, 8], &[8, 3, 12]),
        (&["transA", "transBatchA"], &[16, 3, 9], &[3, 16, 12]),
    ];
    for (i, (names, a, b)) in cases.into_iter().enumerate() {
        let dtypes: &[DType] = if i == 0 { &[F32, F16] } else { &[F32] };
        for &dtype in dtypes {
            let attrs = [&flags(names)[..], &[("alpha", Attr::Float(-0.5))]].concat();
            let inputs = [Some(random(dtype, a, 1.0)), Some(random(dtype, b, 1.0))];
            Case::of("com.microsoft", "FusedMatMul", 1, &attrs, &inputs, 1).check();
        }
    }
}

#[test]
fn linear_adds_before_its_activation() {
    for (x, w, transposed) in [
        (&[2, 3, 8][..], [8, 12], false),
        (&[37, 11], [20, 11], true),
        (&[1, 64], [64, 40], false),
        (&[5, 40], [13, 40], true),
    ] {
        let cols = w[usize::from(!transposed)];
        let out = [&x[..x.len() - 1], &[cols]].concat();
        let dtypes: &[DType] = if transposed { &[F32] } else { &FLOATS };
        for &dtype in dtypes {
            for (bias, sum) in [(false, false), (true, false), (false, true), (true, true)] {
                let activation = if transposed { "Relu" } else { "Tanh" };
                let attrs =
                    [("transB", Attr::Int(transposed.into())), ("activation", Attr::Str(activation.into()))];
                let inputs = [
                    Some(random(dtype, x, 1.0)),
                    Some(random(dtype, &w, 1.0)),
                    bias.then(|| random(dtype, &[cols], 3.0)),
                    sum.then(|| random(dtype, &out, 3.0)),
                ];
                Case::of("edgewise", "Linear", 1, &attrs, &inputs, 1).check();
            }
        }
    }
}

#[test]
fn gemm_broadcasts_its_addend() {
    for c in [None, Some(&[20][..]), Some(&[1, 20]), Some(&[37, 20]), Some(&[37, 1]), Some(&[]), Some(&[1])] {
        for (beta, flips) in [(1.0, (0, 1)), (-2.0, (1, 0)), (0.0, (0, 0))] {
            let attrs = [
                ("transA", Attr::Int(flips.0)),
                ("transB", Attr::Int(flips.1)),
                ("alpha", Attr::Float(0.5)),
                ("beta", Attr::Float(beta)),
                ("activation", Attr::Str("LeakyRelu".into())),
            ];
            let (a, b) = (
                if flips.0 == 1 { [11, 37] } else { [37, 11] },
                if flips.1 == 1 { [20, 11] } else { [11, 20] },
            );
            let inputs =
                [Some(random(F32, &a, 1.0)), Some(random(F32, &b, 1.0)), c.map(|c| random(F32, c, 4.0))];
            Case::of("com.microsoft", "FusedGemm", 1, &attrs, &inputs, 1).check();
        }
    }
    let nan = tensor(F32, &[], &[f32::NAN]);
    let inputs = [random(F16, &[3, 4], 1.0), random(F16, &[4, 5], 1.0), crate::harness::cast(&nan, F16)];
    Case::new("Gemm", 13, &[("beta", Attr::Float(0.0))], &inputs).check();
    let empty = [random(F32, &[2, 0], 1.0), random(F32, &[0, 3], 1.0), random(F32, &[2, 3], 1.0)];
    Case::new("Gemm", 13, &[], &empty).check();
}

#[test]
fn names_are_axes_of_the_result_or_summed() {
    let cases: [(&str, &[&[usize]]); 12] = [
        ("ij,jk->ik", &[&[3, 5], &[5, 7]]),
        ("bhqd,bhkd->bhqk", &[&[2, 3, 4, 5], &[2, 3, 6, 5]]),
        ("bqhd,bkhd->bhqk", &[&[2, 4, 3, 5], &[2, 6, 3, 5]]),
        ("...ij,...jk->...ik", &[&[1, 3, 2, 5], &[3, 5, 4]]),
        ("ii->i", &[&[4, 4]]),
        ("ii", &[&[4, 4]]),
        ("ij->ji", &[&[3, 7]]),
        ("i,j->ij", &[&[3], &[5]]),
        ("i,i", &[&[9], &[9]]),
        ("bij,bj->b", &[&[3, 4, 5], &[1, 5]]),
        ("ij,jk->ik", &[&[3, 0], &[0, 2]]),
        ("ij,jk->ik", &[&[0, 2], &[2, 2]]),
    ];
    for (equation, shapes) in cases {
        for dtype in [F32, F16] {
            let inputs: Vec<Tensor> = shapes.iter().map(|shape| random(dtype, shape, 2.0)).collect();
            Case::new("Einsum", 12, &[("equation", Attr::Str(equation.into()))], &inputs).check();
        }
    }
    let three: Vec<Tensor> = (0..3).map(|_| random(F32, &[2, 2], 1.0)).collect();
    let case = Case::new("Einsum", 12, &[("equation", Attr::Str("ij,jk,kl->il".into()))], &three);
    assert!(!case.is_taken() || crate::harness::gpu().is_none());
}
