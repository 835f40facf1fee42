@group(0) @binding(5) var<storage, read_write> parameters: array<Quad>;
@group(0) @binding(6) var<storage, read_write> velocity: array<Quad>;
