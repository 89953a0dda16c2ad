use super::{Failure, decode};

const BASELINE: &[u8] = include_bytes!("testdata/baseline.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("testdata/progressive.jpg");

fn pixels(bytes: &[u8]) -> Option<Vec<u8>> {
    decode(bytes, 1 << 20).ok().map(|p| p.rgb)
}

#[test]
fn both_ways_to_code_give_what_libjpeg_turbo_gives() {
    for bytes in [BASELINE, PROGRESSIVE] {
        let p = decode(bytes, 1 << 20).ok().unwrap();
        assert_eq!((p.width, p.height), (9, 10));
        assert_eq!((&p.rgb[..3], &p.rgb[3 * 89..]), (&[0, 46, 0][..], &[225, 255, 164][..]));
        assert_eq!(p.rgb.iter().map(|&x| u32::from(x)).sum::<u32>(), 31430);
    }
}

#[test]
fn broken_bytes_are_no_picture_and_no_panic() {
    for bytes in [BASELINE, PROGRESSIVE] {
        for end in 0..bytes.len() - 2 {
            assert!(pixels(&bytes[..end]).is_none(), "cut off at {end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
                let mut broken = bytes.to_vec();
                broken[at] = value;
                let _ = pixels(&broken);
            }
        }
    }
}

#[test]
fn what_is_too_large_is_told() {
    assert!(matches!(decode(BASELINE, 89), Err(Failure::TooLarge)));
}
