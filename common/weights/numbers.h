/* Floating-point numbers as weights files store them, little-endian, to float. */
#ifndef PT_COMMON_WEIGHTS_NUMBERS_H
#define PT_COMMON_WEIGHTS_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    PT_NUMBER_F32,
    PT_NUMBER_F16,
    PT_NUMBER_BF16,
    PT_NUMBER_F64 /* rounded to the nearest float */
} pt_number;

/* Of one number. */
size_t pt_number_bytes(pt_number type);

/* n numbers at bytes, any alignment, to out [n]. */
void pt_number_convert(pt_number type, const uint8_t *bytes, size_t n, float *out);

#endif
