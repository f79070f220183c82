#include "common/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

enum { HUGE = 2 << 20 };

/* Bytes to map for an allocation of this size; 0: too large. */
static size_t mapped(size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return 0;
    return bytes == 0 ? HUGE : (bytes + HUGE - 1) / HUGE * HUGE;
}

void *pt_pages_alloc(size_t bytes)
{
    size_t size = mapped(bytes);
    char *p, *aligned;

    if (size == 0) return NULL;
    p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0);
    if (p == MAP_FAILED) return NULL;
    aligned = p + (HUGE - (uintptr_t)p % HUGE) % HUGE;
    if (aligned > p) munmap(p, (size_t)(aligned - p));
    if (aligned < p + HUGE) munmap(aligned + size, (size_t)(p + HUGE - aligned));
    madvise(aligned, size, MADV_HUGEPAGE); /* a wish */
    return aligned;
}

void pt_pages_free(void *p, size_t bytes)
{
    if (p) munmap(p, mapped(bytes));
}
