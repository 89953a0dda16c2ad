//! Spectra of signals, and signals of spectra.

use crate::harness::{Case, exact, random};
use edgewise_core::DType::*;
use edgewise_core::ops::Attr;
use edgewise_core::{Element, Tensor};

fn scalar<T: Element>(x: T) -> Option<Tensor> {
    Some(exact(&[], &[x]))
}

fn transform(x: Tensor, len: Option<i64>, axis: Option<i64>, inverse: i64, onesided: i64) -> Case {
    let attrs = [("inverse", Attr::Int(inverse)), ("onesided", Attr::Int(onesided))];
    let inputs = [Some(x), len.and_then(scalar), axis.and_then(scalar)];
    let known: Vec<usize> = (0..3).filter(|&i| inputs[i].is_some()).collect();
    Case::of("", "DFT", 20, &attrs, &inputs, 1).knowing(&known)
}

#[test]
fn signals_and_spectra_are_transformed() {
    for dtype in [F32, F16, BF16] {
        for shape in
            [&[1usize, 8, 1][..], &[2, 9, 2], &[3, 1, 2], &[2, 5, 3, 2], &[7, 1], &[0, 4, 1], &[1, 100, 1]]
        {
            for inverse in [0, 1] {
                let axes = shape.len() as i64 - 1;
                for axis in 0..axes {
                    let x = || random(dtype, shape, 2.0);
                    let half = *shape.last().unwrap() == 1 + inverse as usize;
                    for len in [1, 6, 11, 16] {
                        transform(x(), Some(len), Some(axis - axes - 1), inverse, 0).check();
                        if half {
                            transform(x(), Some(len), Some(axis), inverse, 1).check();
                        }
                    }
                }
            }
        }
    }
    transform(random(F32, &[2, 8, 1], 1.0), Some(8), None, 0, 1).check();
    transform(random(F32, &[1, 1024, 1], 1.0), Some(1024), Some(1), 0, 0).check();
    // Where one number is far above the others.
    let mut far = vec![0.25f32; 2048];
    far[17] = 3e4;
    transform(exact(&[1, 2048, 1], &far), Some(2048), Some(1), 0, 1).check();
}

#[test]
fn long_transforms_are_left_to_the_host() {
    for len in [None, Some(4097)] {
        assert!(!transform(random(F32, &[1, 4097, 1], 1.0), len, Some(1), 0, 0).is_taken());
    }
    transform(random(F32, &[1, 4097, 1], 1.0), Some(64), Some(1), 0, 0).check();
}

#[test]
fn frames_of_a_signal_are_transformed() {
    let frames = |x: Tensor, step: i64, window: Option<Tensor>, len: Option<i64>, onesided: i64| {
        let inputs = [Some(x), scalar(step), window, len.and_then(scalar)];
        let known: Vec<usize> = [1, 3].into_iter().filter(|&i| inputs[i].is_some()).collect();
        Case::of("", "STFT", 17, &[("onesided", Attr::Int(onesided))], &inputs, 1).knowing(&known)
    };
    for dtype in [F32, F16] {
        for onesided in [0, 1] {
            let x = |parts: usize| random(dtype, &[2, 50, parts], 2.0);
            let window = || Some(random(dtype, &[16], 1.0));
            frames(x(1), 8, window(), Some(16), onesided).check();
            frames(x(1), 3, None, Some(7), onesided).check();
            frames(random(dtype, &[1, 50], 2.0), 5, None, Some(50), onesided).check();
            if onesided == 0 {
                frames(x(2), 11, window(), Some(16), onesided).check();
            }
        }
    }
}
