//! Operators that move elements: equal to the bit, for every width.

use crate::harness::{Case, SIZES, exact, ints, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::ErrorKind;
use edgewise_core::ops::Attr;

const WIDTHS: [DType; 5] = [U8, F16, F32, I64, Bool];

#[test]
fn axes_change_places() {
    let cases: [(&[usize], &[i64]); 8] = [
        (&[5, 7], &[1, 0]),
        (&[2, 3, 5], &[2, 0, 1]),
        (&[2, 3, 5], &[0, 2, 1]),
        (&[2, 1, 3, 5], &[3, 1, 0, 2]),
        (&[4], &[0]),
        (&[3, 0, 2], &[2, 1, 0]),
        (&[], &[]),
        (&[2, 3, 2, 1, 3, 2, 2, 1], &[7, 5, 3, 1, 0, 2, 4, 6]),
    ];
    for dtype in WIDTHS {
        for (shape, perm) in cases {
            Case::new("Transpose", 21, &[("perm", Attr::Ints(perm.to_vec()))], &[random(dtype, shape, 99.0)])
                .check();
        }
    }
}

#[test]
fn slices_begin_and_end_anywhere() {
    let cases: [[&[i64]; 4]; 7] = [
        [&[1], &[4], &[0], &[1]],
        [&[0], &[-1], &[1], &[2]],
        [&[-1], &[i64::MIN], &[1], &[-1]],
        [&[1, 1], &[3, 6], &[0, 1], &[1, 2]],
        [&[9], &[-9], &[-1], &[-2]],
        [&[3], &[3], &[0], &[1]],
        [&[0], &[i64::MAX], &[0], &[1]],
    ];
    for dtype in WIDTHS {
        for [starts, ends, axes, steps] in cases {
            let inputs = [random(dtype, &[5, 7], 99.0), ints(starts), ints(ends), ints(axes), ints(steps)];
            Case::new("Slice", 13, &[], &inputs).knowing(&[1, 2, 3, 4]).check();
            Case::new("Slice", 13, &[], &inputs).asking(&[1, 2, 3, 4]).check();
        }
    }
}

#[test]
fn parts_come_apart_and_together() {
    for dtype in WIDTHS {
        for (shape, axis, sizes) in
            [(&[5usize, 7][..], 1, &[3i64, 4][..]), (&[7, 2], 0, &[1, 5, 1]), (&[4, 3], 0, &[4, 0])]
        {
            let inputs = [Some(random(dtype, shape, 99.0)), Some(ints(sizes))];
            let attrs = [("axis", Attr::Int(axis))];
            Case::of("", "Split", 13, &attrs, &inputs, sizes.len()).knowing(&[1]).check();
        }
        for axis in [0, 1, -1] {
            let shape = |d: usize| {
                let mut shape = [3, 2, 5];
                shape[(axis + 3) as usize % 3] = d;
                shape
            };
            let inputs = [1, 0, 3, 2].map(|d| random(dtype, &shape(d), 99.0));
            Case::new("Concat", 13, &[("axis", Attr::Int(axis))], &inputs).check();
        }
        Case::new("Concat", 13, &[("axis", Attr::Int(0))], &[random(dtype, &[3], 99.0)]).check();
    }
}

#[test]
fn tensors_repeat() {
    for dtype in WIDTHS {
        let cases: [(&[usize], &[i64]); 6] = [
            (&[3], &[2, 3]),
            (&[2, 1], &[2, 5]),
            (&[], &[7]),
            (&[1], &[2, 0]),
            (&[3, 1, 2], &[1, 3, 1]),
            (&[1], &[1]),
        ];
        for (shape, to) in cases {
            Case::new("Expand", 13, &[], &[random(dtype, shape, 99.0), ints(to)]).knowing(&[1]).check();
        }
    }
}

#[test]
fn slices_are_picked() {
    for dtype in WIDTHS {
        for (shape, axis) in [(&[5usize, 3][..], 0), (&[3, 5], 1), (&[2, 5, 3], -2), (&[5], 0)] {
            let attrs = [("axis", Attr::Int(axis))];
            for indices in
                [exact(&[2, 3], &[0i64, -1, 4, 2, -5, 1]), exact(&[], &[-2i64]), exact::<i64>(&[0], &[])]
            {
                let x = random(dtype, shape, 99.0);
                Case::new("Gather", 13, &attrs, &[x.clone(), indices.clone()]).check();
                Case::new("Gather", 13, &attrs, &[x, crate::harness::cast(&indices, I32)]).check();
            }
        }
    }
}

#[test]
fn indices_outside_of_their_axis_are_refused() {
    let x = random(F32, &[3, 5, 2], 99.0);
    for (axis, indices) in
        [(0, vec![0, 3, -3]), (0, vec![-4]), (1, vec![4, -5, 5, 5, 0]), (2, vec![1 << 20; 3000])]
    {
        let attrs = [("axis", Attr::Int(axis))];
        let indices = ints(&indices);
        Case::new("Gather", 13, &attrs, &[x.clone(), indices.clone()]).check_refused();
        Case::new("Gather", 13, &attrs, &[x.clone(), crate::harness::cast(&indices, I32)]).check_refused();
    }
    for (index, says) in [
        (i64::MAX, "index 2147483646 or more is outside -3..3"),
        (1 << 32, "index 2147483646 or more is outside -3..3"),
        (i64::MIN, "index -2147483648 or less is outside -3..3"),
        (-(1 << 32), "index -2147483648 or less is outside -3..3"),
    ] {
        let case = Case::new("Gather", 13, &[], &[x.clone(), ints(&[1, index, 2])]);
        case.check_says(ErrorKind::InvalidInput, says);
    }
    // Of several the least is named.
    let case = Case::new("Gather", 13, &[], &[x, ints(&[7, 3, -4, -9, 1])]);
    case.check_says(ErrorKind::InvalidInput, "index -9 is outside -3..3");
}

#[test]
fn tensors_grow_and_shrink_at_their_ends() {
    let cases: [(&[usize], &[i64]); 6] = [
        (&[3, 5], &[1, 2, 0, 3]),
        (&[3, 5], &[0, -1, 2, -2]),
        (&[2, 3, 4], &[0, 2, 0, 0, 1, 0]),
        (&[4], &[3, 3]),
        (&[2, 1], &[0, 2, 0, 1]),
        (&[3, 5], &[-3, 0, 4, 0]),
    ];
    for dtype in WIDTHS {
        for (shape, pads) in cases {
            for mode in ["constant", "reflect", "edge", "wrap"] {
                let crops_all = pads[0] == -3;
                if crops_all && mode != "constant" {
                    continue;
                }
                let value = (mode == "constant").then(|| crate::harness::tensor(dtype, &[], &[7.0]));
                let attrs = [("mode", Attr::Str(mode.into()))];
                let inputs = [Some(random(dtype, shape, 99.0)), Some(ints(pads)), value];
                let known = if inputs[2].is_some() { &[1, 2][..] } else { &[1] };
                Case::of("", "Pad", 19, &attrs, &inputs, 1).knowing(known).check();
                Case::of("", "Pad", 19, &attrs, &inputs, 1).asking(&[1]).check();
                Case::of("", "Pad", 19, &attrs, &inputs[..2], 1).knowing(&[1]).check();
            }
        }
    }
}

#[test]
fn the_middle_is_kept() {
    for dtype in WIDTHS {
        for shape in [&[3i64, 5][..], &[8, 2], &[5, 6], &[1, 9], &[0, 3]] {
            Case::new("CenterCropPad", 18, &[], &[random(dtype, &[5, 6], 99.0), ints(shape)])
                .asking(&[1])
                .check();
        }
        let attrs = [("axes", Attr::Ints(vec![-1]))];
        Case::new("CenterCropPad", 18, &attrs, &[random(dtype, &[2, 3, 5], 99.0), ints(&[8])])
            .knowing(&[1])
            .check();
    }
}

#[test]
fn tensors_are_repeated_along_their_axes() {
    let cases: [(&[usize], &[i64]); 6] = [
        (&[3], &[4]),
        (&[2, 3], &[2, 2]),
        (&[2, 3], &[1, 1]),
        (&[2, 1, 3, 2], &[2, 3, 1, 2]),
        (&[2, 3], &[0, 2]),
        (&[], &[]),
    ];
    for dtype in WIDTHS {
        for (shape, repeats) in cases {
            Case::new("Tile", 13, &[], &[random(dtype, shape, 99.0), ints(repeats)]).asking(&[1]).check();
        }
    }
}

#[test]
fn blocks_of_channels_become_blocks_of_pixels() {
    for dtype in WIDTHS {
        for mode in ["DCR", "CRD"] {
            for (name, shape) in [
                ("DepthToSpace", [2, 8, 3, 5]),
                ("SpaceToDepth", [2, 3, 4, 6]),
                ("DepthToSpace", [0, 4, 2, 2]),
            ] {
                let attrs = [("blocksize", Attr::Int(2)), ("mode", Attr::Str(mode.into()))];
                Case::new(name, 28, &attrs, &[random(dtype, &shape, 99.0)]).check();
            }
        }
    }
}

#[test]
fn bits_are_seen_as_another_type() {
    for (from, to) in [(F32, I32), (I64, F64), (F16, U16), (U8, I8), (Bool, U8)] {
        for shape in SIZES {
            let attrs = [("to", Attr::Int(to as i64))];
            Case::new("BitCast", 26, &attrs, &[random(from, shape, 99.0)]).check();
        }
    }
}

#[test]
fn numbers_at_equal_distances() {
    let one = |dtype: DType, x: f32| tensor(dtype, &[], &[x]);
    for (dtype, start, limit, delta) in [
        (F32, 1.0, 9.0, 0.5),
        (F32, 3.0, -200.0, -0.7),
        (F16, 0.0, 33.0, 1.0),
        (BF16, 2.0, 1.0, 1.0),
        (I64, -7.0, 4000.0, 3.0),
        (I32, 5.0, -3000.0, -2.0),
        (I16, 0.0, 2000.0, 1.0),
    ] {
        let inputs = [one(dtype, start), one(dtype, limit), one(dtype, delta)];
        Case::new("Range", 27, &[], &inputs).asking(&[0, 1, 2]).check();
    }
    let far = [exact(&[], &[i64::MAX - 3]), exact(&[], &[i64::MIN + 2]), exact(&[], &[-(1i64 << 53)])];
    Case::new("Range", 11, &[], &far).asking(&[0, 1, 2]).check();
}

#[test]
fn one_element_over_and_over() {
    for dtype in [U8, F16, F32, I64, F64, Bool] {
        let value = Attr::Tensor(tensor(dtype, &[1], &[-3.0]));
        for shape in [&[3i64, 5][..], &[0, 2], &[], &[1025]] {
            let attrs = [("value", value.clone())];
            Case::new("ConstantOfShape", 9, &attrs, &[ints(shape)]).asking(&[0]).check();
        }
    }
}
