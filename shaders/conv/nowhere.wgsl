// The number of no pixel.
const NOWHERE: u32 = 0xffffffffu;
