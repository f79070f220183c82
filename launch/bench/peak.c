#include "launch/bench/peak.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/gemm/gemm_bf16.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/pack_bf16.h"
#include "worker/engine/gemm/gemm_blas.h"

enum { SIDE = 768, DEPTH = 512, PRODUCTS = 8, TRIES = 5 };

typedef struct {
    bool blas, bf16;
    size_t packed;
    float *a, *b, *panels, *c; /* of all threads */
} job;

static size_t panel_step(const job *j)
{
    return PT_PANEL * (j->bf16 ? pt_gemm_pairs(DEPTH) : DEPTH);
}

static void multiply(void *context, int item, int thread)
{
    job *j = context;
    float *a = j->a + (size_t)item * SIDE * DEPTH,
          *b = j->b + (size_t)item * DEPTH * SIDE;
    float *c = j->c + (size_t)item * SIDE * SIDE;
    pt_product p = {.m = SIDE,
                    .n = SIDE,
                    .k = DEPTH,
                    .a = a,
                    .lda = DEPTH,
                    .b = j->panels + (size_t)item * j->packed,
                    .panel_step = panel_step(j),
                    .bf16 = j->bf16,
                    .c = c,
                    .ldc = SIDE};

    for (int i = 0; i < PRODUCTS; i++) {
        if (j->blas)
            pt_blas_gemm(PT_N, PT_N, SIDE, SIDE, DEPTH, a, DEPTH, b, SIDE, false, c,
                         SIDE);
        else
            pt_gemm(&p);
    }
}

static void pack(job *j, size_t threads)
{
    for (size_t t = 0; t < threads; t++)
        (j->bf16 ? pt_gemm_pack_bf16 : pt_gemm_pack)(
            PT_N, DEPTH, SIDE, j->b + t * DEPTH * SIDE, SIDE, 0, SIDE / PT_PANEL,
            panel_step(j), j->panels + t * j->packed);
}

/* The best of several runs, in GFLOP/s, if it is better than *out; the first warms up. */
static void try_one(pt_threads *pool, job *j, const char *exact, pt_bench_rate *out)
{
    double flop = 2.0 * SIDE * SIDE * DEPTH * PRODUCTS * pt_threads_count(pool);
    double best = 0;

    for (int i = 0; i < TRIES; i++) {
        double start = pt_clock(), rate;

        pt_threads_run(pool, pt_threads_count(pool), multiply, j);
        rate = flop / (pt_clock() - start) * 1e-9;
        if (i > 0 && rate > best) best = rate;
    }
    if (best <= out->gflops) return;
    out->gflops = best;
    snprintf(out->kernel, sizeof out->kernel, "%s%s", exact ? "exact " : "",
             exact ? exact : pt_blas_describe());
}

static void try_all(pt_threads *pool, job *j, pt_bench_rate *out)
{
    const pt_gemm_path *paths[3], *in_use = pt_gemm_path_in_use();
    int n = pt_gemm_paths(paths);

    for (int i = 0; i < n; i++) {
        if (paths[i] == &pt_gemm_portable && n > 1) continue; /* without FMA: minutes */
        pt_gemm_use(paths[i]);
        try_one(pool, j, paths[i]->name, out);
    }
    pt_gemm_use(in_use);
    j->blas = true;
    try_one(pool, j, NULL, out);
    j->blas = false;
}

static void try_all_bf16(pt_threads *pool, job *j, pt_bench_rate *out)
{
    const pt_gemm_bf16_path *paths[PT_MAX_BF16_PATHS],
        *in_use = pt_gemm_bf16_path_in_use();
    int n = pt_gemm_bf16_paths(paths);

    for (int i = 0; i < n; i++) {
        if (paths[i]->kernels == &pt_gemm_portable_bf16 && n > 1) continue;
        pt_gemm_bf16_use(paths[i]);
        try_one(pool, j, paths[i]->name, out);
    }
    pt_gemm_bf16_use(in_use);
}

pt_status pt_bench_measure_peak(pt_threads *pool, bool bf16, pt_bench_peak *out)
{
    size_t threads = (size_t)pt_threads_count(pool), n = threads * SIDE * DEPTH;
    pt_rng r = pt_rng_stream(1, PT_RNG_BENCH, 0, 2);
    job j = {.packed = pt_gemm_packed_floats(DEPTH, SIDE)};
    pt_status s = PT_OK;

    *out = (pt_bench_peak){0};
    j.a = pt_calloc(n, sizeof *j.a);
    j.b = pt_calloc(n, sizeof *j.b);
    j.panels = pt_calloc(threads * j.packed, sizeof *j.panels);
    j.c = pt_calloc(threads * SIDE * SIDE, sizeof *j.c);
    if (j.a && j.b && j.panels && j.c) {
        pt_rng_fill_uniform(&r, j.a, n);
        pt_rng_fill_uniform(&r, j.b, n);
        pack(&j, threads);
        try_all(pool, &j, &out->fp32);
        j.bf16 = bf16;
        pack(&j, threads);
        if (bf16) try_all_bf16(pool, &j, &out->bf16);
    } else {
        s = pt_fail(PT_ERR_NOMEM, "no memory for products of %zu threads", threads);
    }
    free(j.a);
    free(j.b);
    free(j.panels);
    free(j.c);
    return s;
}

double pt_bench_at_peak(const pt_bench_peak *p, pt_bench_work gflop)
{
    double seconds = gflop.fp32 / p->fp32.gflops;

    return gflop.bf16 > 0 ? seconds + gflop.bf16 / p->bf16.gflops : seconds;
}
