// Activations, by number. `element` and `math` come before.
//
// The numbers are those of `activation.rs`. Parameters come with each launch, so that one pipeline serves all
// of them.

fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exponential(-x));
}

fn softplus(x: f32) -> f32 {
    let tail = logarithm_of_one_and(exponential(-abs(x)));
    return select(tail, x + tail, x > 0.0);
}

// A comparison with NaN may come out either way, so it is asked for first.
fn activate(function: u32, x: f32, p: vec4<f32>) -> f32 {
    if function == 0u || is_nan(x) {
        // Of all that follow, two make something of NaN.
        return select(x, 0.0, function == 11u || function == 15u);
    }
    switch function {
        // Celu, Elu, Selu
        case 1u: { return select(x, p.x * exponential_less_one(x / p.x), x < 0.0); }
        case 2u: { return select(x, p.x * exponential_less_one(x), x < 0.0); }
        case 3u: { return p.y * select(x, p.x * exponential_less_one(x), x < 0.0); }
        // Gelu, exact and by tanh
        case 4u: { return 0.5 * x * (1.0 + error_function(x * 0.70710678)); }
        case 5u: { return 0.5 * x * (1.0 + hyperbolic_tangent(0.79788456 * (x + 0.044715 * x * x * x))); }
        // HardSigmoid, HardSwish, LeakyRelu, Mish, Relu
        case 6u: { return clamp(p.x * x + p.y, 0.0, 1.0); }
        case 7u: { return x * clamp(x / 6.0 + 0.5, 0.0, 1.0); }
        case 8u: { return select(x, p.x * x, x < 0.0); }
        case 9u: { return x * hyperbolic_tangent(softplus(x)); }
        case 10u: { return max(x, 0.0); }
        // Shrink, Sigmoid, Softplus, Softsign, ThresholdedRelu
        case 11u: { return select(select(0.0, x - p.x, x > p.y), x + p.x, x < -p.y); }
        case 12u: { return sigmoid(x); }
        case 13u: { return softplus(x); }
        case 14u: { return x / (1.0 + abs(x)); }
        case 15u: { return select(0.0, x, x > p.x); }
        // Swish, Clip, ParametricSoftplus, ScaledTanh, Tanh, Affine
        case 16u: { return x * sigmoid(p.x * x); }
        case 17u: { return min(max(x, p.x), p.y); }
        case 18u: { return p.x * softplus(p.y * x); }
        case 19u: { return p.x * hyperbolic_tangent(p.y * x); }
        case 20u: { return hyperbolic_tangent(x); }
        case 21u: { return p.x * x + p.y; }
        default: { return x; }
    }
}
