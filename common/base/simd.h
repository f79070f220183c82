/* PT_CLONES before a function with hot loops: compiled for AVX-512, AVX2 and the base
 * instruction set, the best chosen at load time. The bits are equal in all of them: sums
 * keep their order and nothing is contracted (-ffp-contract=off). PT_CLONES_256:
 * for eight floats as one vector (common/gemm/lanes.h), where AVX-512 adds nothing. */
#ifndef PT_COMMON_BASE_SIMD_H
#define PT_COMMON_BASE_SIMD_H

#if (defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__)) && !defined(PT_FREE_ORDER)
#error "sums keep their order: build ptrain without -ffast-math, which something adds"
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                   \
    !defined(PT_SANITIZED)
#define PT_CLONES     __attribute__((target_clones("avx512f", "avx2", "default")))
#define PT_CLONES_256 __attribute__((target_clones("avx2", "default")))
#else
#define PT_CLONES
#define PT_CLONES_256
#endif

/* Before a loop of at most n rounds, a constant: all of them are written out, so that an
 * array of sums that they index is in registers. */
#define PT_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define PT_UNROLL(n) _Pragma("clang loop unroll(full)")
#else
#define PT_UNROLL(n) PT_PRAGMA(GCC unroll n)
#endif

/* Before a loop whose rounds do not depend on each other, whatever its pointers are. */
#ifdef __clang__
#define PT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define PT_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* Inlined, so that an argument is a constant in the hot copy of a loop and that the code
 * is compiled for the instruction set of the caller (PT_CLONES). */
#define PT_INLINE __attribute__((always_inline)) static inline

#endif
