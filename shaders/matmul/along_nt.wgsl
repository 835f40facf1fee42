// Whether the operands' memory lies along k; else it lies along rows or columns of c.
const A_ALONG_K = true;
const B_ALONG_K = true;
