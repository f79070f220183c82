/* Floating-point numbers as weights files store them, little-endian, to float. */
#ifndef PT_COMMON_WEIGHTS_NUMBERS_H
#define PT_COMMON_WEIGHTS_NUMBERS_H

#include "common/base/file.h"

typedef enum {
    PT_NUMBER_F32,
    PT_NUMBER_F16,
    PT_NUMBER_BF16,
    PT_NUMBER_F64 /* rounded to the nearest float */
} pt_number;

/* Of one number. */
size_t pt_number_bytes(pt_number type);

/* n numbers from byte `at` of what `read` reads from, to out [n], which is all the memory
 * that they take. Numbers not wider than a float are read in one call. */
PT_MUST_USE pt_status pt_number_read(pt_number type,
                                     pt_status (*read)(const void *from, uint64_t at,
                                                       void *to, size_t n),
                                     const void *from, uint64_t at, size_t n, float *out);

/* The same from a file. */
PT_MUST_USE pt_status pt_number_read_file(pt_number type, const pt_file *file,
                                          uint64_t at, size_t n, float *out);

#endif
