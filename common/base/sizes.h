/* Arithmetic of sizes, and arrays that grow. A result that does not fit is SIZE_MAX,
 * which no allocation can provide. */
#ifndef PT_COMMON_BASE_SIZES_H
#define PT_COMMON_BASE_SIZES_H

#include <stddef.h>
#include <stdint.h>

/* a * b. Not inline: gcc would warn about the malloc of SIZE_MAX that it sees. */
size_t pt_mul(size_t a, size_t b);

/* Makes space for one more element of `size` bytes after n, which are *capacity at most:
 * the array, perhaps moved; NULL without memory, the array then stays as it is. */
void *pt_grow(void *array, size_t n, size_t *capacity, size_t size);

/* a + b. */
static inline size_t pt_add_sizes(size_t a, size_t b)
{
    size_t r;

    return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

/* The next multiple of `to`. */
static inline size_t pt_round_up(size_t n, size_t to)
{
    return n > SIZE_MAX - to ? SIZE_MAX : (n + to - 1) / to * to;
}

/* Floats in whole cache lines of 64 bytes. */
static inline size_t pt_whole_lines(size_t floats)
{
    return pt_round_up(floats, 16);
}

/* The number of parts of at most `part` that n is split into. */
static inline int pt_parts(size_t n, size_t part)
{
    return (int)((n + part - 1) / part);
}

static inline size_t pt_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t pt_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline int pt_min_int(int a, int b)
{
    return a < b ? a : b;
}

static inline int pt_max_int(int a, int b)
{
    return a > b ? a : b;
}

#endif
