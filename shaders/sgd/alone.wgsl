@group(0) @binding(3) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> velocity: array<vec4f>;

fn advance() {
}
