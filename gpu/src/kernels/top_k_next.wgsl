// use wide
// use sorting
// Entries, sorted or merged in blocks, of which the first ones are kept. A group owns a block.

// Whether what is far apart is in order already.
override MERGE: bool = false;

struct Parameters {
    rows: u32,
    // Entries of a row.
    len: u32,
    // Blocks of a row, and how many entries of each are kept.
    blocks: u32,
    kept: u32,
}

@group(0) @binding(0) var<storage, read> entries: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sorted: array<vec4<u32>>;
@group(0) @binding(2) var<uniform> p: Parameters;

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
        shared_entries[i] = NO_ENTRY;
        if first + i < p.len {
            shared_entries[i] = entries[row * p.len + first + i].xyz;
        }
    }
    workgroupBarrier();
    if MERGE {
        merge_block(me);
    } else {
        sort_block(me);
    }
    for (var i = me; i < p.kept; i += SORTERS) {
        sorted[block * p.kept + i] = vec4<u32>(shared_entries[i], 0u);
    }
}
