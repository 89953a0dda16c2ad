// Sums that carry what rounding took from them, so that large numbers that cancel leave the small ones. `element`
// comes before.

fn plus(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let sum = a.x + b.x;
    if is_nan(sum) || is_infinite(sum) {
        return vec2<f32>(sum, 0.0);
    }
    let back = sum - a.x;
    return vec2<f32>(sum, a.y + b.y + ((a.x - (sum - back)) + (b.x - back)));
}
