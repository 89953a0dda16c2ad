// What attention kernels share: where rows lie, which keys a query sees, and what becomes of its products with
// them. `element`, `math`, `vectors` and `span` come before.
//
// What a reader would get wrong: -inf is no score but says that a key is left out, so it is asked for by its bits
// and never computed with. A score that is NaN or +inf breaks the whole row, which is NaN then.
//
// Whatever is asked for every score selects, and does not branch: a driver in software takes both ways anyhow, and
// SwiftShader's time to compile a loop doubles with each branch in it.

override Q_KIND: u32 = 1u;
override K_KIND: u32 = 1u;
override V_KIND: u32 = 1u;
// Of a table that is added to scores, a bool of which hides; 0: there is none.
override BIAS_KIND: u32 = 0u;
override MASKED: bool = false;
// Whether scores are capped.
override CAPPED: bool = false;
// Of a score per head that takes part and has no value; 0: there is none.
override SINK_KIND: u32 = 0u;

struct Attention {
    // First element, then steps from batch to batch, head to head, position to position.
    q: vec4<u32>,
    k: vec4<u32>,
    v: vec4<u32>,
    y: vec4<u32>,
    // Steps of the table from batch to batch, head to head, query to query; how many keys it has.
    bias: vec4<u32>,
    // The mask's form, its steps from batch to batch and from query to query, and its first element.
    mask: vec4<u32>,
    extent: Extent,
    // Positions to the left and right that a query sees, -1: all; whether none on the right; whether rows are
    // whole vectors.
    seen: vec4<i32>,
    // The factor of products, the soft cap, what is added for a hidden key, a sink that all heads share.
    scaling: vec4<f32>,
    // Batches, heads of keys, heads of queries for each, queries.
    heads: vec4<u32>,
    // Elements of a row of Q and K, and of V; whether there is a shared sink; pieces of work.
    rows: vec4<u32>,
    // The kernel's own.
    own: vec4<u32>,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> bias: array<u32>;
@group(0) @binding(4) var<storage, read> mask: array<i32>;
@group(0) @binding(5) var<storage, read> lengths: array<u32>;
@group(0) @binding(6) var<storage, read> sinks: array<u32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<uniform> p: Attention;

// A query: a row of the result.
struct Row {
    batch: u32,
    head: u32,
    query: u32,
    // The keys that it sees.
    start: u32,
    end: u32,
}

// Row `i` of those that share a head of keys. One that is past the last query sees nothing.
fn row_of(batch: u32, kv_head: u32, i: u32) -> Row {
    let query = i / p.heads.z;
    let head = kv_head * p.heads.z + i % p.heads.z;
    let seen = seen_by(batch, query);
    return Row(batch, head, query, seen.x, select(seen.x, seen.y, query < p.heads.w));
}

fn seen_by(batch: u32, query: u32) -> vec2<u32> {
    let span = span_of(p.extent, batch);
    var position = i32(span.past + query);
    if LENGTHS == 2u && p.extent.past == 0u {
        position = i32(span.length + query) - i32(p.heads.w);
    }
    // A token that is padding sees what comes before it.
    var end = i32(select(span.length, p.extent.keys, LENGTHS == 1u && p.seen.z != 0));
    if p.seen.z != 0 {
        end = min(end, position + 1);
    }
    if p.seen.y >= 0 {
        end = min(end, position + p.seen.y + 1);
    }
    let start = select(0, position - p.seen.x, p.seen.x >= 0);
    let most = i32(p.extent.keys);
    let first = clamp(start, 0, most);
    return vec2<u32>(u32(first), u32(clamp(end, first, most)));
}

fn row_at(steps: vec4<u32>, batch: u32, head: u32, position: u32) -> u32 {
    return steps.x + batch * steps.y + head * steps.z + position * steps.w;
}

// Elements `d` to `d + 3` of a row that begins at `at` and has `len`; zeros behind it.
fn q_vector(at: u32, d: u32, len: u32) -> vec4<f32> {
    let i = at + d;
    if p.seen.w != 0 {
        return select(vec4<f32>(), four_of(q[vector_at(i, Q_KIND)], i, Q_KIND), vec4<bool>(d < len));
    }
    let four = four_across(q[vector_at(i, Q_KIND)], q[vector_at(i + 3u, Q_KIND)], i, Q_KIND);
    return select(vec4<f32>(), four, d + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(len));
}

fn k_vector(at: u32, d: u32, len: u32) -> vec4<f32> {
    let i = at + d;
    if p.seen.w != 0 {
        return select(vec4<f32>(), four_of(k[vector_at(i, K_KIND)], i, K_KIND), vec4<bool>(d < len));
    }
    let four = four_across(k[vector_at(i, K_KIND)], k[vector_at(i + 3u, K_KIND)], i, K_KIND);
    return select(vec4<f32>(), four, d + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(len));
}

fn v_vector(at: u32, d: u32, len: u32) -> vec4<f32> {
    let i = at + d;
    if p.seen.w != 0 {
        return select(vec4<f32>(), four_of(v[vector_at(i, V_KIND)], i, V_KIND), vec4<bool>(d < len));
    }
    let four = four_across(v[vector_at(i, V_KIND)], v[vector_at(i + 3u, V_KIND)], i, V_KIND);
    return select(vec4<f32>(), four, d + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(len));
}

fn is_left_out(score: f32) -> bool {
    return bitcast<u32>(score) == 0xff800000u;
}

fn is_broken(score: f32) -> bool {
    return ((bitcast<u32>(score) & 0x7fffffffu) >= 0x7f800000u) & !is_left_out(score);
}

// Whether com.microsoft's mask hides a key from a query: by ends; by ends and starts; by a table or a square of what
// is seen.
fn is_hidden(row: Row, key: u32) -> bool {
    let at = p.mask.w + row.batch * p.mask.y + row.query * p.mask.z + key;
    let after = i32(key) >= mask[row.batch];
    let before = i32(key) < mask[p.heads.x + row.batch];
    return select(mask[at] <= 0, after | (before & (p.mask.x == 1u)), p.mask.x < 2u);
}

// A score of a product of query and key, scaled and capped.
fn capped(product: f32) -> f32 {
    let score = product * p.scaling.x;
    if CAPPED {
        return select(hyperbolic_tangent(score / p.scaling.y) * p.scaling.y, score, is_nan(score));
    }
    return score;
}

// With what is added to it; -inf where the key is left out.
fn biased(score: f32, row: Row, key: u32) -> f32 {
    // Added up before the score comes in, as a filter of -10000 leaves few digits to it.
    var sum = 0.0;
    if MASKED {
        sum = select(0.0, p.scaling.z, is_hidden(row, key));
    }
    if BIAS_KIND == 0u {
        return score + sum;
    }
    let at = row.batch * p.bias.x + row.head * p.bias.y + row.query * p.bias.z + key;
    let bits = bits_of(bias[at / per_word(BIAS_KIND)], at, BIAS_KIND);
    let behind = key >= p.bias.w;
    if BIAS_KIND == BOOL {
        return select(score + sum, -infinity(), behind | (bits == 0u));
    }
    let added = to_float(bits, BIAS_KIND);
    return select(score + (sum + added), -infinity(), behind | is_left_out(added));
}

// The score of a key; -inf where the query does not see it.
fn score_of(product: f32, row: Row, key: u32) -> f32 {
    return select(biased(capped(product), row, key), -infinity(), (key < row.start) | (key >= row.end));
}

// The score that takes part in a head and has no value; -inf where there is none.
fn sink_of(head: u32) -> f32 {
    if SINK_KIND != 0u {
        return to_float(bits_of(sinks[head / per_word(SINK_KIND)], head, SINK_KIND), SINK_KIND);
    }
    return select(-infinity(), p.scaling.w, p.rows.z != 0u);
}

// e^(score - most), and 0 of a key that is left out.
fn share_of(score: f32, most: f32) -> f32 {
    return select(exponential(score - most), 0.0, is_left_out(score));
}

// The larger of two scores, where -inf says nothing.
fn larger(a: f32, b: f32) -> f32 {
    return select(select(max(a, b), a, is_left_out(b)), b, is_left_out(a));
}

// What a row of sum `total`, which is negative if it broke, has for a value.
fn divided(value: f32, total: f32) -> f32 {
    if total < 0.0 {
        return not_a_number();
    }
    return select(value / total, 0.0, total == 0.0);
}

// The same of 4 rows.
fn larger_of(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(larger(a.x, b.x), larger(a.y, b.y), larger(a.z, b.z), larger(a.w, b.w));
}

fn shares_of(scores: vec4<f32>, most: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        share_of(scores.x, most.x),
        share_of(scores.y, most.y),
        share_of(scores.z, most.z),
        share_of(scores.w, most.w),
    );
}

fn broken_of(scores: vec4<f32>) -> vec4<bool> {
    return vec4<bool>(
        is_broken(scores.x), is_broken(scores.y), is_broken(scores.z), is_broken(scores.w),
    );
}

// Whether there is anything among values that is no number.
fn is_odd(x: vec4<f32>) -> bool {
    return any((bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) >= vec4<u32>(0x7f800000u));
}

// A value to the sums of 8 rows, of which `a` and `b` are the shares. With care, no share of what is no number is
// nothing.
fn add_shares(
    sums: ptr<function, array<vec4<f32>, 8>>,
    a: vec4<f32>,
    b: vec4<f32>,
    value: vec4<f32>,
    with_care: bool,
) {
    if with_care {
        (*sums)[0] += select(a.x * value, vec4<f32>(), vec4<bool>(a.x == 0.0));
        (*sums)[1] += select(a.y * value, vec4<f32>(), vec4<bool>(a.y == 0.0));
        (*sums)[2] += select(a.z * value, vec4<f32>(), vec4<bool>(a.z == 0.0));
        (*sums)[3] += select(a.w * value, vec4<f32>(), vec4<bool>(a.w == 0.0));
        (*sums)[4] += select(b.x * value, vec4<f32>(), vec4<bool>(b.x == 0.0));
        (*sums)[5] += select(b.y * value, vec4<f32>(), vec4<bool>(b.y == 0.0));
        (*sums)[6] += select(b.z * value, vec4<f32>(), vec4<bool>(b.z == 0.0));
        (*sums)[7] += select(b.w * value, vec4<f32>(), vec4<bool>(b.w == 0.0));
    } else {
        (*sums)[0] += a.x * value;
        (*sums)[1] += a.y * value;
        (*sums)[2] += a.z * value;
        (*sums)[3] += a.w * value;
        (*sums)[4] += b.x * value;
        (*sums)[5] += b.y * value;
        (*sums)[6] += b.z * value;
        (*sums)[7] += b.w * value;
    }
}
