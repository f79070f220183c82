#include "launch/plan/sim/unwritten.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/base/status.h"

enum { LARGE = 64 << 10, LINE = 64 };

/* From now on a large block is a mapping of its own, of fresh pages, which are zero. */
void pt_unwritten_begin(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE);
}

/* The linker's --wrap: what calls to pt_calloc reach, and pt_calloc itself. */
void *__wrap_pt_calloc(size_t n, size_t size);
void *__real_pt_calloc(size_t n, size_t size);

void *__wrap_pt_calloc(size_t n, size_t size)
{
    size_t bytes = pt_mul(n, size);

    if (bytes < LARGE || bytes > SIZE_MAX / 2) return __real_pt_calloc(n, size);
    return aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
}
