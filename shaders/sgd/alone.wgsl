@group(0) @binding(3) var<storage, read_write> parameters: array<Quad>;
@group(0) @binding(4) var<storage, read_write> velocity: array<Quad>;
