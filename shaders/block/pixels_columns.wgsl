// Of the thread's columns.
var<private> mean: vec4f;
