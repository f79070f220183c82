/* Half precision (IEEE 754 binary16) to single, exactly. */
#ifndef PT_COMMON_WEIGHTS_HALF_H
#define PT_COMMON_WEIGHTS_HALF_H

#include <stddef.h>
#include <stdint.h>

/* Every half is a float: subnormals, infinities and the payload of a NaN are kept; a
 * signalling NaN becomes quiet, as processors do it. */
float pt_half_to_float(uint16_t half);

/* bytes [2 n], little-endian, any alignment; out [n]. */
void pt_half_widen(const uint8_t *bytes, size_t n, float *out);

#endif
