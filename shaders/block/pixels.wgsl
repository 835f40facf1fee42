// Stages over the pixels of images. A group has `args.quads` neighbouring quads of columns, a power of two, of the units from
// `begin` to `end`: a unit is a pixel, or, where the stages end in pooling, a window. Threads of one quad share the units out.
var<private> begin: u32;
var<private> end: u32;
// The number of the group among those of its columns.
var<private> part: u32;
// The number of the thread among those of its quad.
var<private> turn: u32;
// Whether the thread stores what the group makes of its columns.
var<private> leads: bool;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    //@with column_sum thread = lane;
    let quads = quads_of_row();
    let quad = group.x * args.quads + lane % args.quads;
    let column = min(quad, quads - 1u) * 4u;
    part = group.y;
    turn = lane / args.quads;
    begin = min(part * args.own, now.rows * args.units);
    end = min(begin + args.own, now.rows * args.units);
    leads = quad < quads && turn == 0u && begin < end;
    //@with set_present set_present(args.n - column);
    // A thread without columns of its own has no units.
    finish(column, select(end, begin + turn, quad < quads), THREADS / args.quads);
}
