// use element
// use status
// use math
// use activate
// A step of a recurrent layer in one direction. A group makes one element of the hidden state of one sequence: its
// invocations share the products, and the first one of them does the rest.

// One gate; update, reset and hidden gates, the reset gate before or after the recurrent product; input, output,
// forget and cell gates.
override CELL: u32 = 0u;
// Of the second cell, whether this is the hidden gate: it needs what the others make of the whole state.
override LATER: bool = false;
override INPUT_FORGET: bool = false;
override BIASED: bool = false;
override PEEPHOLES: bool = false;
override LENGTHS: bool = false;
// The activations, as `common/activate.wgsl` has them.
override F: u32 = 12u;
override G: u32 = 20u;
override H: u32 = 20u;

const GROUP: u32 = 64u;

struct Parameters {
    batch: u32,
    hidden: u32,
    steps: u32,
    directions: u32,
    direction: u32,
    step: u32,
    // 1: backward in time; the batch before time; an output of every step.
    backward: u32,
    batch_first: u32,
    every_step: u32,
    // Of the status.
    word: u32,
    unused: u32,
    // Infinite where there is none.
    clip: f32,
    of_f: vec4<f32>,
    of_g: vec4<f32>,
    of_h: vec4<f32>,
}

// The products of inputs and weights, by direction, row and gate.
@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> recurrence: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> peepholes: array<f32>;
@group(0) @binding(4) var<storage, read> lengths: array<u32>;
// The hidden state before and after the step, in turn; the cell state; what two kinds of gates leave to a third.
@group(0) @binding(5) var<storage, read_write> state: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> p: Parameters;

var<workgroup> shared_sums: array<vec4<f32>, GROUP>;

fn gates() -> u32 {
    switch CELL {
        case 0u: { return 1u; }
        case 3u: { return 4u; }
        default: { return 3u; }
    }
}

// The sums along rows of the recurrence, one for each gate, of the state that begins at `start`.
fn products(me: u32, start: u32, j: u32) -> vec4<f32> {
    var sums = vec4<f32>(0.0);
    for (var k = me; k < p.hidden; k += GROUP) {
        let h = state[start + k];
        for (var gate = 0u; gate < gates(); gate++) {
            let row = (p.direction * gates() + gate) * p.hidden + j;
            sums[gate] += h * recurrence[row * p.hidden + k];
        }
    }
    shared_sums[me] = sums;
    workgroupBarrier();
    for (var half = GROUP / 2u; half > 0u; half = half / 2u) {
        if me < half {
            shared_sums[me] += shared_sums[me + half];
        }
        workgroupBarrier();
    }
    return shared_sums[0];
}

fn bias_of(gate: u32, j: u32) -> f32 {
    if !BIASED {
        return 0.0;
    }
    return bias[p.direction * 2u * gates() * p.hidden + gate * p.hidden + j];
}

// That of the input product and that of the recurrent one.
fn biases(gate: u32, j: u32) -> f32 {
    return bias_of(gate, j) + bias_of(gates() + gate, j);
}

fn peephole(gate: u32, j: u32, cell: f32) -> f32 {
    if !PEEPHOLES {
        return 0.0;
    }
    return peepholes[p.direction * 3u * p.hidden + gate * p.hidden + j] * cell;
}

fn clipped(x: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    return clamp(x, -p.clip, p.clip);
}

fn gate_f(x: f32) -> f32 {
    return activate(F, clipped(x), p.of_f);
}

fn gate_g(x: f32) -> f32 {
    return activate(G, clipped(x), p.of_g);
}

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let at = group.y * groups.x + group.x;
    let all = p.batch * p.hidden;
    if at >= all {
        return;
    }
    let b = at / p.hidden;
    let j = at % p.hidden;
    let before = (p.step & 1u) * all;
    let next = all - before;
    let cell = 2u * all;
    let updates = 3u * all;
    let kept = 4u * all;
    var length = p.steps;
    if LENGTHS {
        length = checked(spread(lengths[b]), 0u, p.steps, p.word);
    }
    if p.step >= length {
        // A sequence that has ended keeps its state; one that never began has none.
        if me == 0u {
            state[next + at] = select(state[before + at], 0.0, length == 0u);
            state[cell + at] = select(state[cell + at], 0.0, length == 0u);
        }
        return;
    }
    let r = products(me, select(before, kept, LATER) + b * p.hidden, j);
    if me != 0u {
        return;
    }
    let time = select(p.step, length - 1u - p.step, p.backward == 1u);
    let row = select(time * p.batch + b, b * p.steps + time, p.batch_first == 1u);
    let x = (p.direction * p.steps * p.batch + row) * gates() * p.hidden + j;
    var hidden = 0.0;
    switch CELL {
        case 0u: {
            hidden = gate_f(inputs[x] + r.x + biases(0u, j));
        }
        case 1u: {
            if !LATER {
                state[updates + at] = gate_f(inputs[x] + r.x + biases(0u, j));
                let reset = gate_f(inputs[x + p.hidden] + r.y + biases(1u, j));
                state[kept + at] = reset * state[before + at];
                return;
            }
            let fresh = gate_g(inputs[x + 2u * p.hidden] + r.z + biases(2u, j));
            let update = state[updates + at];
            hidden = (1.0 - update) * fresh + update * state[before + at];
        }
        case 2u: {
            let update = gate_f(inputs[x] + r.x + biases(0u, j));
            let reset = gate_f(inputs[x + p.hidden] + r.y + biases(1u, j));
            let linear = reset * (r.z + bias_of(5u, j));
            let fresh = gate_g(inputs[x + 2u * p.hidden] + linear + bias_of(2u, j));
            hidden = (1.0 - update) * fresh + update * state[before + at];
        }
        default: {
            let old = state[cell + at];
            let input = gate_f(inputs[x] + r.x + biases(0u, j) + peephole(0u, j, old));
            var forget = 1.0 - input;
            if !INPUT_FORGET {
                forget = gate_f(inputs[x + 2u * p.hidden] + r.z + biases(2u, j) + peephole(2u, j, old));
            }
            let fresh = gate_g(inputs[x + 3u * p.hidden] + r.w + biases(3u, j));
            let c = forget * old + input * fresh;
            let output = gate_f(inputs[x + p.hidden] + r.y + biases(1u, j) + peephole(1u, j, c));
            state[cell + at] = c;
            hidden = output * activate(H, c, p.of_h);
        }
    }
    state[next + at] = hidden;
    if p.every_step == 1u {
        let forward = (time * p.directions + p.direction) * p.batch + b;
        let sideways = (b * p.steps + time) * p.directions + p.direction;
        y[select(forward, sideways, p.batch_first == 1u) * p.hidden + j] = hidden;
    }
}
