// Functions of floats by number: those of `unary.rs` and `binary.rs`. `element` and `math` come before.

// Of a number that is not NaN.
fn of_one(function: u32, x: f32) -> f32 {
    switch function {
        case 0u: { return abs(x); }
        case 1u: { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }
        case 2u: { return select(select(x, 1.0, x > 0.0), -1.0, x < 0.0); }
        case 5u: { return arc_cosine(x); }
        case 6u: { return inverse_hyperbolic_cosine(x); }
        case 7u: { return arc_sine(x); }
        case 8u: { return inverse_hyperbolic_sine(x); }
        case 9u: { return arc_tangent(x); }
        case 10u: { return inverse_hyperbolic_tangent(x); }
        case 11u: { return ceil(x); }
        case 12u: { return cosine(x); }
        case 13u: { return hyperbolic_cosine(x); }
        case 14u: { return error_function(x); }
        case 15u: { return exponential(x); }
        case 16u: { return floor(x); }
        case 17u: { return logarithm(x); }
        case 18u: { return 1.0 / x; }
        case 19u: { return round(x); }
        case 20u: { return sine(x); }
        case 21u: { return hyperbolic_sine(x); }
        case 22u: { return sqrt(x); }
        case 23u: { return tangent(x); }
        default: { return hyperbolic_tangent(x); }
    }
}

fn of_two(function: u32, a: f32, b: f32) -> f32 {
    switch function {
        case 0u: { return a + b; }
        case 1u: { return a - b; }
        case 2u: { return a * b; }
        case 3u: { return a / b; }
        case 6u: { return power(a, b); }
        // NaN wins.
        case 12u: { return select(select(b, a, a > b || is_nan(a)), b, is_nan(b)); }
        default: { return select(select(b, a, a < b || is_nan(a)), b, is_nan(b)); }
    }
}
