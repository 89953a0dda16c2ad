// What `self_test.rs` asks: the operations as WGSL has them, on numbers that no compiler knows.

// For every question: what is asked about, and two words.
@group(0) @binding(0) var<storage, read> questions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> answers: array<u32>;
@group(0) @binding(2) var<uniform> count: vec4<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= count.x {
        return;
    }
    let question = questions[id.x];
    let a = question.y;
    let b = question.z;
    let x = bitcast<f32>(a);
    let y = bitcast<f32>(b);
    var answer = 0u;
    switch question.x {
        case 0u: { answer = bitcast<u32>(dot4I8Packed(a, b)); }
        case 1u: { answer = bitcast<u32>(x + y); }
        case 2u: { answer = bitcast<u32>(x * y); }
        case 3u: { answer = bitcast<u32>(x / y); }
        case 4u: { answer = bitcast<u32>(round(x)); }
        case 5u: { answer = bitcast<u32>(f32(bitcast<i32>(a))); }
        default: { answer = bitcast<u32>(i32(x)); }
    }
    answers[id.x] = answer;
}
