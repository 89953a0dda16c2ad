// Floats of 8 and of 4 bits. `element` comes before.
//
// Formats that end in FN have no infinity; those that end in FNUZ have no zero below zero either, and their one NaN
// is 0x80. F8E8M0 is a power of two, without a sign.

const F8E4M3FN: u32 = 17u;
const F8E4M3FNUZ: u32 = 18u;
const F8E5M2: u32 = 19u;
const F8E5M2FNUZ: u32 = 20u;
const F4E2M1: u32 = 23u;
const F8E8M0: u32 = 24u;

fn is_minifloat(kind: u32) -> bool {
    return (kind >= F8E4M3FN && kind <= F8E5M2FNUZ) || kind == F4E2M1 || kind == F8E8M0;
}

struct Format {
    // Bits behind the exponent, and what the exponent has been made larger by.
    mantissa: u32,
    bias: i32,
    // The sign's bit; the codes of the largest number, of what is larger, and of NaN.
    sign: u32,
    most: u32,
    overflow: u32,
    nan: u32,
}

fn format_of(kind: u32) -> Format {
    switch kind {
        case 17u: { return Format(3u, 7, 0x80u, 0x7eu, 0x7fu, 0x7fu); }
        case 18u: { return Format(3u, 8, 0x80u, 0x7fu, 0x80u, 0x80u); }
        case 19u: { return Format(2u, 15, 0x80u, 0x7bu, 0x7cu, 0x7eu); }
        case 20u: { return Format(2u, 16, 0x80u, 0x7fu, 0x80u, 0x80u); }
        default: { return Format(1u, 1, 8u, 7u, 7u, 8u); }
    }
}

fn has_one_zero(kind: u32) -> bool {
    return kind == F8E4M3FNUZ || kind == F8E5M2FNUZ;
}

fn power_of_two_to_float(code: u32) -> f32 {
    // The smallest one is too small for an exponent.
    return bitcast<f32>(select(select(code << 23u, 0x00400000u, code == 0u), 0x7fc00000u, code == 0xffu));
}

fn minifloat_to_float(code: u32, kind: u32) -> f32 {
    if kind == F8E8M0 {
        return power_of_two_to_float(code);
    }
    let f = format_of(kind);
    let size = code & (f.sign - 1u);
    let is_nan = select(size > 0x7cu, code == 0x80u, has_one_zero(kind));
    if kind == F8E5M2 && size == 0x7cu {
        return bitcast<f32>(0x7f800000u | ((code & f.sign) << 24u));
    }
    if (kind == F8E4M3FN && size == 0x7fu) || (kind != F8E4M3FN && kind != F4E2M1 && is_nan) {
        return not_a_number();
    }
    let exponent = size >> f.mantissa;
    let rest = size & ((1u << f.mantissa) - 1u);
    let significand = f32(select(rest + (1u << f.mantissa), rest, exponent == 0u));
    let power = i32(max(exponent, 1u)) - f.bias - i32(f.mantissa);
    let number = significand * bitcast<f32>(u32(power + 127) << 23u);
    return bitcast<f32>(bitcast<u32>(number) | select(0u, 0x80000000u, (code & f.sign) != 0u));
}

// A code for the number's size, beyond all others where it is too large. Halves round to even; a carry runs into
// the exponent by itself.
fn size_code(size: u32, f: Format) -> u32 {
    if size >= 0x7f800000u {
        return 0xffffffffu;
    }
    let exponent = i32(size >> 23u) - 127;
    let least = max(exponent, 1 - f.bias);
    let shift = 23 - i32(f.mantissa) + least - exponent;
    if exponent == -127 || shift > 25 {
        return 0u;
    }
    let significand = (size & 0x7fffffu) | 0x800000u;
    let units = significand >> u32(shift);
    let cut = significand & ((1u << u32(shift)) - 1u);
    let half = 1u << u32(shift - 1);
    let up = select(0u, 1u, cut > half || (cut == half && (units & 1u) == 1u));
    return (u32(least + f.bias - 1) << f.mantissa) + units + up;
}

// The power of two beside a number: 0 the larger one, 1 the smaller one, 2 the nearer one.
fn float_to_power_of_two(x: f32, saturate: bool, round: u32) -> u32 {
    let size = bitcast<u32>(x) & 0x7fffffffu;
    if size > 0x7f800000u {
        return 0xffu;
    }
    var exponent = i32(size >> 23u);
    var fraction = size << 9u;
    if exponent == 0 {
        // A number without an exponent gets one; zero has one that is far away.
        let zeros = countLeadingZeros(fraction);
        exponent = select(-i32(zeros), -300, fraction == 0u);
        fraction = select(fraction << (zeros + 1u), 0u, zeros >= 31u);
    }
    let up = (round == 0u && fraction != 0u) || (round == 2u && (fraction >> 31u) == 1u);
    let code = exponent + select(0, 1, up);
    if code >= 0 && code <= 0xfe {
        return u32(code);
    }
    return select(0xffu, select(0xfeu, 0u, code < 0), saturate);
}

// The nearest number of that kind; too large a one becomes the largest if `saturate`, else what is beyond it.
fn float_to_minifloat(x: f32, kind: u32, saturate: bool, round: u32) -> u32 {
    if kind == F8E8M0 {
        return float_to_power_of_two(x, saturate, round);
    }
    let f = format_of(kind);
    let sign = select(0u, f.sign, (bitcast<u32>(x) >> 31u) == 1u);
    if is_nan(x) {
        return f.nan | sign;
    }
    let code = size_code(bitcast<u32>(x) & 0x7fffffffu, f);
    if code == 0u && has_one_zero(kind) {
        return 0u;
    }
    if code <= f.most {
        return code | sign;
    }
    return select(f.overflow, f.most, saturate || kind == F4E2M1) | sign;
}
