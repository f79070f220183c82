/* usage: bench_squares [peak]
 *
 * Square products on one thread, n = 32 to 1536: the exact product on this CPU's fastest
 * path, packing included, beside CBLAS, alternating; medians of five rounds in GFLOP/s.
 * After them the peak: fused multiply-adds on registers alone, the best of tries before
 * each size, as a core's clock changes within seconds. peak: that alone, from one place.
 * graphs.py draws the lines. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/gemm/gemm_path.h"
#include "tests/bench/measure.h"
#include "worker/engine/gemm/gemm_blas.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    ROUNDS = 5,
    LARGEST = 1536,
    WORK = 200 * 1000 * 1000, /* multiply-adds of a measurement */
    CHAINS = 12,              /* hide the latency of an FMA on two ports */
    STEPS = 4 * 1000 * 1000
};

/* Keeps a loop's result from being dropped. */
static volatile float sink;

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static double avx2_flops(void)
{
    __m256 s[CHAINS], x = _mm256_set1_ps(0.999f);

    for (int i = 0; i < CHAINS; i++) s[i] = _mm256_set1_ps((float)i);
    for (int k = 0; k < STEPS; k++) {
        PT_UNROLL(12)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm256_fmadd_ps(s[i], x, x);
    }
    for (int i = 0; i < CHAINS; i++) sink = _mm256_cvtss_f32(s[i]);
    return 2.0 * 8 * CHAINS * STEPS;
}

__attribute__((target("avx512f"))) static double avx512_flops(void)
{
    __m512 s[CHAINS], x = _mm512_set1_ps(0.999f);

    for (int i = 0; i < CHAINS; i++) s[i] = _mm512_set1_ps((float)i);
    for (int k = 0; k < STEPS; k++) {
        PT_UNROLL(12)
        for (int i = 0; i < CHAINS; i++) s[i] = _mm512_fmadd_ps(s[i], x, x);
    }
    for (int i = 0; i < CHAINS; i++) sink = _mm512_cvtss_f32(s[i]);
    return 2.0 * 16 * CHAINS * STEPS;
}

static double fma_flops(void)
{
    if (__builtin_cpu_supports("avx512f")) return avx512_flops();
    return __builtin_cpu_supports("avx2") ? avx2_flops() : 0;
}
#else
static double fma_flops(void)
{
    return 0;
}
#endif

/* The best of some runs and of `best`, in GFLOP/s; 0 where this program has no such loop
 * for the CPU. */
static double peak(double best)
{
    for (int i = 0; i < 4 * ROUNDS; i++) {
        double start = pt_clock(), flops = fma_flops();
        double rate = flops / (pt_clock() - start) * 1e-9;

        if (rate > best) best = rate;
    }
    return best;
}

typedef struct {
    float *a, *b, *packed, *c;
} matrices;

/* Seconds of one product of side n. */
static double product_s(const matrices *x, size_t n, bool blas)
{
    int times = (int)(WORK / (n * n * n)) + 1;
    pt_product p = {.m = n,
                    .n = n,
                    .k = n,
                    .a = x->a,
                    .lda = n,
                    .b = x->packed,
                    .panel_step = PT_PANEL * n,
                    .c = x->c,
                    .ldc = n};
    double start = pt_clock();

    for (int i = 0; i < times; i++) {
        if (blas) {
            pt_blas_gemm(PT_N, PT_N, n, n, n, x->a, n, x->b, n, false, x->c, n);
        } else {
            pt_gemm_pack(PT_N, n, n, x->b, n, 0, pt_gemm_panels(n), PT_PANEL * n,
                         x->packed);
            pt_gemm(&p);
        }
    }
    return (pt_clock() - start) / times;
}

static void print_size(const matrices *x, size_t n)
{
    double exact[ROUNDS], blas[ROUNDS], gflop = 2e-9 * (double)(n * n * n);

    for (int round = 0; round < ROUNDS; round++) {
        exact[round] = product_s(x, n, false);
        blas[round] = product_s(x, n, true);
    }
    printf("square %zu %.2f %.2f\n", n, gflop / measure_median(exact, ROUNDS),
           gflop / measure_median(blas, ROUNDS));
}

int main(int argc, char **argv)
{
    size_t largest = (size_t)LARGEST * LARGEST;
    pt_rng r = pt_rng_stream(1, PT_RNG_BENCH, 0, 3);
    matrices x = {.a = measure_floats(largest),
                  .b = measure_floats(largest),
                  .packed = measure_floats(pt_gemm_packed_floats(LARGEST, LARGEST)),
                  .c = measure_floats(largest)};

    double best = peak(0);

    if (argc > 1) {
        printf("peak %.2f\n", best);
        return strcmp(argv[1], "peak") == 0 ? 0 : 2;
    }
    pt_rng_fill_uniform(&r, x.a, largest);
    pt_rng_fill_uniform(&r, x.b, largest);
    printf("exact %s\n", pt_gemm_path_in_use()->name);
    product_s(&x, 64, true);
    printf("blas %s\n", pt_blas_describe());
    for (size_t n = 32; n <= LARGEST; n += n < 256 ? 32 : n < 768 ? 64 : 128) {
        best = peak(best);
        print_size(&x, n);
    }
    printf("peak %.2f\n", best);
    free(x.a), free(x.b), free(x.packed), free(x.c);
    return 0;
}
