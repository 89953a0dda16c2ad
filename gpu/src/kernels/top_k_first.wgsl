// use element
// use wide
// use order
// use sorting
// The entries of a tensor's rows, sorted in blocks, of which the first ones are kept. A group owns a block.

override KIND: u32 = 1u;
override LARGEST: bool = true;

struct Parameters {
    rows: u32,
    // Elements of a row, and from one to the next.
    len: u32,
    step: u32,
    // Blocks of a row, and how many entries of each are kept.
    blocks: u32,
    kept: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> entries: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

fn entry_of(row: u32, place: u32) -> vec3<u32> {
    if place >= p.len {
        return NO_ENTRY;
    }
    let i = (row / p.step) * p.len * p.step + row % p.step + place * p.step;
    var key = vec2<u32>(0u);
    if KIND == I64 || KIND == U64 {
        key = wide_key_of(vec2<u32>(x[2u * i], x[2u * i + 1u]), KIND);
    } else {
        key = vec2<u32>(0u, key_of(bits_of(x[i / per_word(KIND)], i, KIND), KIND));
    }
    return vec3<u32>(select(key, ~key, LARGEST), place);
}

@compute @workgroup_size(SORTERS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let block = group.y * groups.x + group.x;
    let row = block / p.blocks;
    if row >= p.rows {
        return;
    }
    let first = block % p.blocks * BLOCK;
    for (var i = me; i < BLOCK; i += SORTERS) {
        shared_entries[i] = entry_of(row, first + i);
    }
    workgroupBarrier();
    sort_block(me);
    for (var i = me; i < p.kept; i += SORTERS) {
        entries[block * p.kept + i] = vec4<u32>(shared_entries[i], 0u);
    }
}
