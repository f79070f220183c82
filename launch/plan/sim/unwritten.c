#include "launch/plan/sim/unwritten.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/status.h"

enum { LARGE = 64 << 10, LINE = 64 };

/* From now on a large block is a mapping of its own, unless a free one of that size is
 * left. */
void pt_unwritten_begin(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE);
}

/* Gives whole pages back, which are zero when they are next read; a large block has
 * some. */
static void clear(char *p, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), edge = -(uintptr_t)p % page,
           middle = (bytes - edge) / page * page;

    memset(p, 0, edge);
    if (madvise(p + edge, middle, MADV_DONTNEED) != 0) memset(p + edge, 0, middle);
    memset(p + edge + middle, 0, bytes - edge - middle);
}

/* The linker's --wrap: what calls to pt_calloc reach, and pt_calloc itself. */
void *__wrap_pt_calloc(size_t n, size_t size);
void *__real_pt_calloc(size_t n, size_t size);

void *__wrap_pt_calloc(size_t n, size_t size)
{
    size_t bytes = pt_mul(n, size);
    void *p;

    if (bytes < LARGE || bytes > SIZE_MAX / 2) return __real_pt_calloc(n, size);
    p = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    if (p) clear(p, bytes);
    return p;
}
