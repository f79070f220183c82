#include "common/base/sizes.h"

#include <stdlib.h>

size_t pt_mul(size_t a, size_t b)
{
    size_t r;

    return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

void *pt_grow(void *array, size_t n, size_t *capacity, size_t size)
{
    size_t more = *capacity ? 2 * *capacity : 4;
    void *bigger;

    if (n < *capacity) return array;
    bigger = realloc(array, pt_mul(more, size));
    if (bigger) *capacity = more;
    return bigger;
}
