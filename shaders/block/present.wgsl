// How many of four neighbours there are: fewer at the end of a row. Kernels of which all widths are multiples of four have no
// need of it.
var<private> present: u32;

fn set_present(left: u32) {
    present = min(4u, left);
}
