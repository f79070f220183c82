#include "launch/bench/peak.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/gemm/gemm_path.h"
#include "worker/engine/gemm/gemm_blas.h"

enum { SIDE = 768, DEPTH = 512, PRODUCTS = 8, TRIES = 5 };

typedef struct {
    bool blas;
    size_t packed;
    float *a, *b, *panels, *c; /* of all threads */
} job;

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
                    .panel_step = (size_t)PT_PANEL * DEPTH,
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

/* The best of several runs, in GFLOP/s; the first warms up. */
static double best_of(pt_threads *pool, job *j)
{
    double best = 0, flop = 2.0 * SIDE * SIDE * DEPTH * PRODUCTS * pt_threads_count(pool);

    for (int i = 0; i < TRIES; i++) {
        double start = pt_clock(), rate;

        pt_threads_run(pool, pt_threads_count(pool), multiply, j);
        rate = flop / (pt_clock() - start) * 1e-9;
        if (i > 0 && rate > best) best = rate;
    }
    return best;
}

static void try_all(pt_threads *pool, job *j, pt_bench_peak *out)
{
    const pt_gemm_path *paths[3], *in_use = pt_gemm_path_in_use();
    int n = pt_gemm_paths(paths);
    double rate;

    *out = (pt_bench_peak){0};
    for (int i = 0; i < n; i++) {
        if (paths[i] == &pt_gemm_portable && n > 1) continue; /* without FMA: minutes */
        pt_gemm_use(paths[i]);
        rate = best_of(pool, j);
        if (rate <= out->gflops) continue;
        out->gflops = rate;
        snprintf(out->kernel, sizeof out->kernel, "exact %s", paths[i]->name);
    }
    pt_gemm_use(in_use);
    j->blas = true;
    rate = best_of(pool, j);
    if (rate <= out->gflops) return;
    out->gflops = rate;
    snprintf(out->kernel, sizeof out->kernel, "%s", pt_blas_describe());
}

pt_status pt_bench_measure_peak(pt_threads *pool, pt_bench_peak *out)
{
    size_t threads = (size_t)pt_threads_count(pool), n = threads * SIDE * DEPTH;
    pt_rng r = pt_rng_stream(1, PT_RNG_BENCH, 0, 2);
    job j = {.packed = pt_gemm_packed_floats(DEPTH, SIDE)};
    pt_status s = PT_OK;

    j.a = pt_calloc(n, sizeof *j.a);
    j.b = pt_calloc(n, sizeof *j.b);
    j.panels = pt_calloc(threads * j.packed, sizeof *j.panels);
    j.c = pt_calloc(threads * SIDE * SIDE, sizeof *j.c);
    if (j.a && j.b && j.panels && j.c) {
        pt_rng_fill_uniform(&r, j.a, n);
        pt_rng_fill_uniform(&r, j.b, n);
        for (size_t t = 0; t < threads; t++)
            pt_gemm_pack(PT_N, DEPTH, SIDE, j.b + t * DEPTH * SIDE, SIDE, 0,
                         SIDE / PT_PANEL, (size_t)PT_PANEL * DEPTH,
                         j.panels + t * j.packed);
        try_all(pool, &j, out);
    } else {
        s = pt_fail(PT_ERR_NOMEM, "no memory for products of %zu threads", threads);
    }
    free(j.a);
    free(j.b);
    free(j.panels);
    free(j.c);
    return s;
}
