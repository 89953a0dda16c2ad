// Functions of a float that WGSL has too loosely, or not at all. `element` comes before.
//
// Each is a polynomial near 0 and something of larger numbers away from it, so that nothing cancels, whatever
// a compiler fuses. NaN stays NaN: it is asked for by its bits.

fn power_of_two(n: i32) -> f32 {
    return bitcast<f32>(u32(n + 127) << 23u);
}

// (e^r - 1 - r) / r^2
fn exponential_tail(r: f32) -> f32 {
    return (((1.3814465e-3 * r + 8.368781e-3) * r + 4.1668393e-2) * r + 1.666652e-1) * r + 0.5;
}

fn exponential(x: f32) -> f32 {
    // Past these limits the result is infinite or zero.
    let c = clamp(x, -105.0, 89.0);
    let n = round(c * 1.44269504);
    let r = (c - n * 0.693359375) + n * 2.12194440e-4;
    let p = (exponential_tail(r) * r) * r + r + 1.0;
    // In two steps, as each power alone must be a normal number.
    let whole = i32(n);
    let half = whole >> 1u;
    return select(p * power_of_two(half) * power_of_two(whole - half), x, is_nan(x));
}

// e^x - 1
fn exponential_less_one(x: f32) -> f32 {
    if abs(x) < 0.34 {
        return (exponential_tail(x) * x) * x + x;
    }
    return exponential(x) - 1.0;
}

// ln(1 + f) for f from -0.3 to 0.42.
fn logarithm_near_one(f: f32) -> f32 {
    let z = f * f;
    let p = (((((((7.0376836e-2 * f - 1.1514610e-1) * f + 1.1676998e-1) * f - 1.2420141e-1) * f
        + 1.4249323e-1) * f - 1.6668058e-1) * f + 2.0000715e-1) * f - 2.4999994e-1) * f + 3.3333331e-1;
    return f + (p * f * z - 0.5 * z);
}

fn logarithm(x: f32) -> f32 {
    var bits = bitcast<u32>(x);
    if is_nan(x) || bits == 0x7f800000u {
        return x;
    }
    if (bits & 0x7fffffffu) == 0u {
        return -infinity();
    }
    if (bits >> 31u) == 1u {
        return not_a_number();
    }
    var exponent = 0;
    if bits < 0x800000u {
        // A number without an exponent gets one.
        let shift = countLeadingZeros(bits) - 8u;
        bits = bits << shift;
        exponent = -i32(shift) + 1;
        bits = bits & 0x7fffffu;
    } else {
        exponent = i32(bits >> 23u);
    }
    exponent -= 127;
    var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
    if m > 1.41421356 {
        m *= 0.5;
        exponent += 1;
    }
    let e = f32(exponent);
    return (logarithm_near_one(m - 1.0) - e * 2.12194440e-4) + e * 0.693359375;
}

// ln(1 + x)
fn logarithm_of_one_and(x: f32) -> f32 {
    if x > -0.29 && x < 0.41 {
        return logarithm_near_one(x);
    }
    return logarithm(1.0 + x);
}

fn with_sign(x: f32, like: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(like) & 0x80000000u));
}

fn hyperbolic_tangent(x: f32) -> f32 {
    let size = abs(x);
    let z = x * x;
    let p = (((-5.704987e-3 * z + 2.063901e-2) * z - 5.3739715e-2) * z + 1.3331442e-1) * z - 3.333328e-1;
    let far = with_sign(1.0 - 2.0 / (exponential(min(2.0 * size, 40.0)) + 1.0), x);
    return select(select(far, p * z * x + x, size < 0.625), x, is_nan(x));
}

fn error_function(x: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    let size = abs(x);
    if size < 0.9 {
        let z = x * x;
        let p = ((((-6.0903607e-4 * z + 5.0119627e-3) * z - 2.6778908e-2) * z + 1.1282141e-1) * z
            - 3.7612525e-1) * z + 1.2837915e-1;
        return p * x + x;
    }
    let f = min(size, 3.95);
    let p = ((((-1.2613857e-3 * f + 1.5652578e-2) * f - 9.132283e-2) * f - 6.5045375e-1) * f
        - 1.1203978) * f - 1.8222533e-3;
    return with_sign(1.0 - exponential(p), x);
}

fn hyperbolic_sine(x: f32) -> f32 {
    if abs(x) > 1.0 || is_nan(x) {
        // By the root of e^x, which is finite wherever the result is.
        let root = exponential(0.5 * abs(x));
        return with_sign(0.5 * root * root - 0.5 / (root * root), x);
    }
    let z = x * x;
    return ((2.0372191e-4 * z + 8.3302838e-3) * z + 1.6666716e-1) * z * x + x;
}

fn hyperbolic_cosine(x: f32) -> f32 {
    let root = exponential(0.5 * abs(x));
    return 0.5 * root * root + 0.5 / (root * root);
}

fn inverse_hyperbolic_sine(x: f32) -> f32 {
    let size = abs(x);
    if size > 1500.0 || is_nan(x) {
        return with_sign(logarithm(size) + 0.69314718, x);
    }
    if size < 0.5 {
        let z = x * x;
        return (((2.0122003e-2 * z - 4.2699341e-2) * z + 7.4847586e-2) * z - 1.6666288e-1) * z * x + x;
    }
    return with_sign(logarithm(size + sqrt(size * size + 1.0)), x);
}

fn inverse_hyperbolic_cosine(x: f32) -> f32 {
    if x < 1.0 {
        return not_a_number();
    }
    if x > 1500.0 || is_nan(x) {
        return logarithm(x) + 0.69314718;
    }
    let z = x - 1.0;
    if z < 0.5 {
        let p = (((1.7596881e-3 * z - 7.5272887e-3) * z + 2.6454905e-2) * z - 1.1784742e-1) * z + 1.4142135;
        return p * sqrt(z);
    }
    return logarithm(x + sqrt(z * (x + 1.0)));
}

fn inverse_hyperbolic_tangent(x: f32) -> f32 {
    let size = abs(x);
    if size < 0.5 {
        let z = x * x;
        return ((((1.8174008e-1 * z + 8.243703e-2) * z + 1.4669143e-1) * z + 1.9978216e-1) * z
            + 3.333373e-1) * z * x + x;
    }
    if size == 1.0 {
        return with_sign(infinity(), x);
    }
    return 0.5 * logarithm((1.0 + x) / (1.0 - x));
}

fn arc_tangent(x: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    let size = abs(x);
    var base = 0.0;
    var t = size;
    if is_infinite(x) {
        return with_sign(1.57079633, x);
    }
    if size > 2.41421356 {
        base = 1.57079633;
        t = -1.0 / size;
    } else if size > 0.41421356 {
        base = 0.78539816;
        t = (size - 1.0) / (size + 1.0);
    }
    let z = t * t;
    let p = ((8.0537445e-2 * z - 1.3877686e-1) * z + 1.9977711e-1) * z - 3.3332949e-1;
    return with_sign(base + (p * z * t + t), x);
}

// arcsin for 0 to 0.5.
fn arc_sine_near(x: f32) -> f32 {
    let z = x * x;
    let p = (((4.2163199e-2 * z + 2.4181311e-2) * z + 4.5470026e-2) * z + 7.4953003e-2) * z + 1.6666752e-1;
    return p * z * x + x;
}

fn arc_sine(x: f32) -> f32 {
    let size = abs(x);
    if size > 1.0 {
        return not_a_number();
    }
    if size > 0.5 {
        return with_sign(1.57079633 - 2.0 * arc_sine_near(sqrt(0.5 * (1.0 - size))), x);
    }
    return arc_sine_near(x);
}

fn arc_cosine(x: f32) -> f32 {
    if abs(x) > 1.0 {
        return not_a_number();
    }
    if x > 0.5 {
        return 2.0 * arc_sine_near(sqrt(0.5 * (1.0 - x)));
    }
    if x < -0.5 {
        return 3.14159265 - 2.0 * arc_sine_near(sqrt(0.5 * (1.0 + x)));
    }
    return 1.57079633 - arc_sine_near(x);
}

// What is left of |x| after whole eighths of a circle, an even number of them, and that number.
fn eighths(x: f32) -> vec2<f32> {
    let size = abs(x);
    let whole = floor(size * 1.27323954);
    let even = whole + (whole - 2.0 * floor(0.5 * whole));
    let left = ((size - even * 0.78515625) - even * 2.4187565e-4) - even * 3.774895e-8;
    return vec2<f32>(left, even);
}

fn sine_near(r: f32) -> f32 {
    let z = r * r;
    return ((-1.9515296e-4 * z + 8.332161e-3) * z - 1.6666655e-1) * z * r + r;
}

fn cosine_near(r: f32) -> f32 {
    let z = r * r;
    return ((2.4433157e-5 * z - 1.3887316e-3) * z + 4.1666646e-2) * z * z - 0.5 * z + 1.0;
}

// Beyond, what is left is too little to go by.
const FAR: f32 = 8192.0;

fn sine(x: f32) -> f32 {
    if is_nan(x) || is_infinite(x) {
        return not_a_number();
    }
    if abs(x) > FAR {
        return sin(x);
    }
    let e = eighths(x);
    let quarter = u32(e.y * 0.5) & 3u;
    let y = select(sine_near(e.x), cosine_near(e.x), (quarter & 1u) == 1u);
    let negative = (quarter >= 2u) != (x < 0.0);
    return select(y, -y, negative);
}

fn cosine(x: f32) -> f32 {
    if is_nan(x) || is_infinite(x) {
        return not_a_number();
    }
    if abs(x) > FAR {
        return cos(x);
    }
    let e = eighths(x);
    let quarter = u32(e.y * 0.5) & 3u;
    let y = select(cosine_near(e.x), sine_near(e.x), (quarter & 1u) == 1u);
    return select(y, -y, quarter == 1u || quarter == 2u);
}

fn tangent(x: f32) -> f32 {
    if is_nan(x) || is_infinite(x) {
        return not_a_number();
    }
    if abs(x) > FAR {
        return tan(x);
    }
    let e = eighths(x);
    let z = e.x * e.x;
    let p = ((((9.385402e-3 * z + 3.1199223e-3) * z + 2.4430135e-2) * z + 5.3411281e-2) * z + 1.333880e-1) * z
        + 3.3333157e-1;
    var y = p * z * e.x + e.x;
    if (u32(e.y * 0.5) & 1u) == 1u {
        y = -1.0 / y;
    }
    return select(y, -y, x < 0.0);
}

fn power(x: f32, e: f32) -> f32 {
    if e == 0.0 || x == 1.0 {
        return 1.0;
    }
    if is_nan(x) || is_nan(e) {
        return not_a_number();
    }
    let whole = is_infinite(e) || floor(e) == e;
    let half = 0.5 * e;
    let odd = whole && !is_infinite(e) && floor(half) != half;
    let negative = (bitcast<u32>(x) >> 31u) == 1u;
    if x == 0.0 {
        let y = select(infinity(), 0.0, e > 0.0);
        return select(y, -y, negative && odd);
    }
    if negative && !whole && !is_infinite(x) {
        return not_a_number();
    }
    if abs(x) == 1.0 {
        return select(1.0, -1.0, odd);
    }
    let y = exponential(e * logarithm(abs(x)));
    return select(y, -y, negative && odd);
}

// |x|^p, and the root that undoes it; for the powers of norms.
fn power_of(x: f32, p: f32) -> f32 {
    if p == 1.0 {
        return abs(x);
    }
    if p == 2.0 {
        return x * x;
    }
    return power(abs(x), p);
}

fn root_of(x: f32, p: f32) -> f32 {
    if p == 1.0 {
        return x;
    }
    if p == 2.0 {
        return sqrt(x);
    }
    return power(x, 1.0 / p);
}

// What is left of a / b after whole steps, with the sign of `a`, to the bit: the significands are divided as
// integers, doubled once for every power of two between them.
fn remainder(a: f32, b: f32) -> f32 {
    let sign = bitcast<u32>(a) & 0x80000000u;
    let size = bitcast<u32>(a) & 0x7fffffffu;
    let divisor = bitcast<u32>(b) & 0x7fffffffu;
    if size >= 0x7f800000u || divisor > 0x7f800000u || divisor == 0u {
        return not_a_number();
    }
    if size < divisor {
        return a;
    }
    // Numbers too small for an exponent have that of the smallest that have one.
    let first = max(size >> 23u, 1u);
    let last = max(divisor >> 23u, 1u);
    var rest = (size & 0x7fffffu) | select(0u, 0x800000u, size >= 0x800000u);
    let step = (divisor & 0x7fffffu) | select(0u, 0x800000u, divisor >= 0x800000u);
    rest %= step;
    for (var exponent = first; exponent > last && rest > 0u; exponent--) {
        rest = (rest << 1u) % step;
    }
    if rest == 0u {
        return bitcast<f32>(sign);
    }
    let shift = countLeadingZeros(rest) - 8u;
    if last > shift {
        return bitcast<f32>(sign | (((last - shift) << 23u) + ((rest << shift) - 0x800000u)));
    }
    return bitcast<f32>(sign | (rest << (last - 1u)));
}
