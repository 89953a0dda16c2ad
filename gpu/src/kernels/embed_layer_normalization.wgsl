// use index
// use element
// use status
// The sum of the embeddings of a word, its position and its segment. An invocation makes an element.

override KIND: u32 = 1u;
override SEGMENTS: bool = false;
// Whether positions are given; otherwise words are counted.
override POSITIONS: bool = false;

struct Parameters {
    // Elements, elements of a row, words of a text, and positions until they begin again.
    len: u32,
    width: u32,
    sequence: u32,
    positions: u32,
    // Rows of the tables, and the first word of the status: each table has one.
    rows: vec4<u32>,
    // Of the tables: scales and zero points.
    scales: vec4<f32>,
    zeros: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read> segments: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> word_table: array<u32>;
@group(0) @binding(4) var<storage, read> position_table: array<u32>;
@group(0) @binding(5) var<storage, read> segment_table: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;
@group(0) @binding(8) var<uniform> p: Parameters;

fn real(word: u32, i: u32, table: u32) -> f32 {
    return (to_float(bits_of(word, i, KIND), KIND) - p.zeros[table]) * p.scales[table];
}

fn row(id: u32, table: u32) -> u32 {
    return checked(spread(id), 0u, p.rows[table] - 1u, p.rows.w + table);
}

@compute @workgroup_size(GROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = linear(id, groups);
    if i >= p.len {
        return;
    }
    let word = i / p.width;
    let column = i % p.width;
    var at = row(words[word], 0u) * p.width + column;
    var sum = real(word_table[at / per_word(KIND)], at, 0u);
    var position = word % p.sequence;
    if POSITIONS {
        position = positions[word % p.positions];
    }
    at = row(position, 1u) * p.width + column;
    sum += real(position_table[at / per_word(KIND)], at, 1u);
    if SEGMENTS {
        at = row(segments[word], 2u) * p.width + column;
        sum += real(segment_table[at / per_word(KIND)], at, 2u);
    }
    y[i] = sum;
}
