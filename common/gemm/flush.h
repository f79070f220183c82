/* The CPU's mode in which denormal operands count as zero and tiny results become zero,
 * around kernels of the bf16 chain. */
#ifndef PT_COMMON_GEMM_FLUSH_H
#define PT_COMMON_GEMM_FLUSH_H

#if defined(__x86_64__)
#include <immintrin.h>

/* Rounding to nearest, no exception stops the program, denormals flushed both ways.
 * Returns the mode before, for pt_flush_end, which restores it with its flags. */
static inline unsigned pt_flush_begin(void)
{
    unsigned before = _mm_getcsr();

    _mm_setcsr(_MM_MASK_MASK | _MM_ROUND_NEAREST | _MM_FLUSH_ZERO_ON | 0x0040 /* DAZ */);
    return before;
}

static inline void pt_flush_end(unsigned before)
{
    _mm_setcsr(before);
}
#else
/* No path here works by this mode. */
static inline unsigned pt_flush_begin(void)
{
    return 0;
}

static inline void pt_flush_end(unsigned before)
{
}
#endif

#endif
