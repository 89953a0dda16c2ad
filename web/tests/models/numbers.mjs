// Halves: the bits of the 16-bit float that is next to a number.

/** Its bits. What is too small for a normal half becomes zero, as no weight here needs less. */
export const half = (value) => {
  const [bits] = new Uint32Array(Float32Array.of(value).buffer);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  if (exponent <= 0) return sign;
  // Rounded to even; a carry goes on into the exponent, as it should.
  const fraction = bits & 0x7fffff;
  const rounded = (fraction + 0xfff + ((fraction >> 13) & 1)) >> 13;
  return sign | ((exponent << 10) + rounded);
};
