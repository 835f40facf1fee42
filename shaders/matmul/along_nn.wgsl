// As in along_nt.wgsl.
const A_ALONG_K = true;
const B_ALONG_K = false;
