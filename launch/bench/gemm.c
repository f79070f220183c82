#include "launch/bench/gemm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/rng.h"
#include "launch/bench/options.h"
#include "launch/bench/result.h"
#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/gemm/gemm_path.h"

static const char usage[] =
    "usage: ptrain bench gemm [--rounds N]\n"
    "\n"
    "Matrix products of the networks' layers on one thread: the exact product on every\n"
    "path of this CPU beside CBLAS, alternating; medians in GFLOP/s, and the ratio of\n"
    "the first path, packing of the weights included (once for the whole product, as in "
    "a\n"
    "step), to CBLAS. OpenBLAS takes its core type from the CPU or OPENBLAS_CORETYPE.\n"
    "\n"
    "  --rounds N  of each (7)\n"
    "  --json      one line of JSON\n";

enum { MAX_PATHS = 2, WORK = 100 * 1000 * 1000 }; /* multiply-adds of a measurement */

/* The work of one image's layer, or of the tiles of a block: m pixels (of 8 images of the
 * deeper layers), k channels in, n out; PT_T: the gradient of the weights, k pixels. */
static const struct {
    const char *layer;
    pt_trans ta;
    size_t m, n, k;
} shapes[] = {
    {"resnet50 layer1 conv1", PT_N, 3136, 64, 256},
    {"resnet50 layer1 conv3", PT_N, 3136, 256, 64},
    {"resnet50 layer2 conv1", PT_N, 784, 128, 512},
    {"resnet50 layer2 conv3", PT_N, 784, 512, 128},
    {"resnet50 layer3 conv1", PT_N, 1568, 256, 1024},
    {"resnet50 layer3 conv3", PT_N, 1568, 1024, 256},
    {"resnet50 layer4 conv1", PT_N, 392, 512, 2048},
    {"resnet50 layer4 conv3", PT_N, 392, 2048, 512},
    {"resnet50 conv1 windows", PT_N, 2240, 64, 147},
    {"winograd 64 channels", PT_N, 24, 64, 64},
    {"winograd 128 channels", PT_N, 48, 128, 128},
    {"winograd 256 channels", PT_N, 96, 256, 256},
    {"winograd 512 channels", PT_N, 96, 512, 512},
    {"squeezenet fire2 squeeze", PT_N, 3025, 16, 64},
    {"squeezenet fire2 expand", PT_N, 3025, 64, 16},
    {"squeezenet fire9 squeeze", PT_N, 1352, 64, 512},
    {"weights 256 x 64", PT_T, 256, 64, 192},
    {"weights 512 x 128", PT_T, 512, 128, 192},
    {"weights 1024 x 256", PT_T, 1024, 256, 192},
    {"weights winograd 128", PT_T, 128, 128, 64},
};

enum { N_SHAPES = sizeof shapes / sizeof *shapes };

typedef struct {
    double blas, exact[MAX_PATHS], packing; /* seconds */
} result;

typedef struct {
    const pt_gemm_path *paths[3];
    int n_paths, rounds;
    float *a, *b, *packed, *c;
} bench;

static pt_status init(bench *b, int rounds)
{
    enum { FLOATS = 2 * 1024 * 1024 };
    pt_rng r = pt_rng_stream(1, PT_RNG_BENCH, 0, 3);

    *b = (bench){.rounds = rounds};
    b->n_paths = pt_gemm_paths(b->paths);
    if (b->n_paths > 1)
        b->n_paths--; /* not the portable one: without FMA it takes hours */
    b->a = pt_calloc(FLOATS, sizeof *b->a);
    b->b = pt_calloc(FLOATS, sizeof *b->b);
    b->packed = pt_calloc(FLOATS, sizeof *b->packed);
    b->c = pt_calloc(FLOATS, sizeof *b->c);
    if (!b->a || !b->b || !b->packed || !b->c)
        return pt_fail(PT_ERR_NOMEM, "no memory for the matrices");
    pt_rng_fill_uniform(&r, b->a, FLOATS);
    pt_rng_fill_uniform(&r, b->b, FLOATS);
    return PT_OK;
}

static void fini(bench *b)
{
    free(b->a);
    free(b->b);
    free(b->packed);
    free(b->c);
}

/* Seconds of one product; path NULL: by CBLAS. */
static double product_s(const bench *b, int i, const pt_gemm_path *path)
{
    size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k;
    size_t lda = shapes[i].ta == PT_T ? m : k;
    int times = (int)(WORK / (m * n * k)) + 1;
    pt_product p = {.ta = shapes[i].ta,
                    .m = m,
                    .n = n,
                    .k = k,
                    .a = b->a,
                    .lda = lda,
                    .b = b->packed,
                    .panel_step = PT_PANEL * k,
                    .c = b->c,
                    .ldc = n};
    double start = pt_clock();

    for (int j = 0; j < times; j++) {
        if (path)
            pt_gemm(&p);
        else
            pt_blas_gemm(shapes[i].ta, PT_N, m, n, k, b->a, lda, b->b, n, false, b->c, n);
    }
    return (pt_clock() - start) / times;
}

static double packing_s(const bench *b, int i)
{
    size_t n = shapes[i].n, k = shapes[i].k;
    double start = pt_clock();

    pt_gemm_pack(PT_N, k, n, b->b, n, 0, pt_gemm_panels(n), PT_PANEL * k, b->packed);
    return pt_clock() - start;
}

static pt_status measure(const bench *b, int i, result *out)
{
    size_t rounds = (size_t)b->rounds;
    double *t = pt_calloc((MAX_PATHS + 2) * rounds, sizeof *t);
    const pt_gemm_path *in_use = pt_gemm_path_in_use();

    if (!t) return pt_fail(PT_ERR_NOMEM, "no memory for the times");
    for (size_t r = 0; r < rounds; r++) {
        t[r] = product_s(b, i, NULL);
        t[rounds + r] = packing_s(b, i);
        for (int p = 0; p < b->n_paths; p++) {
            pt_gemm_use(b->paths[p]);
            t[(2 + (size_t)p) * rounds + r] = product_s(b, i, b->paths[p]);
        }
    }
    pt_gemm_use(in_use);
    out->blas = pt_bench_median(t, b->rounds);
    out->packing = pt_bench_median(t + rounds, b->rounds);
    for (int p = 0; p < b->n_paths; p++)
        out->exact[p] = pt_bench_median(t + (2 + (size_t)p) * rounds, b->rounds);
    free(t);
    return PT_OK;
}

static double gflops(int i, double seconds)
{
    return 2e-9 * (double)(shapes[i].m * shapes[i].n * shapes[i].k) / seconds;
}

static double ratio_of(const result *r)
{
    return r->blas / (r->exact[0] + r->packing);
}

static void print_text(const bench *b, const result *results, double mean)
{
    pt_log_info("%-26s %5s %5s %5s  %8s", "one thread, GFLOP/s", "m", "n", "k", "CBLAS");
    for (int i = 0; i < N_SHAPES; i++) {
        char paths[MAX_PATHS * 20] = "";
        int at = 0;

        for (int p = 0; p < b->n_paths; p++)
            at += snprintf(paths + at, sizeof paths - (size_t)at, "  %s %6.1f",
                           b->paths[p]->name, gflops(i, results[i].exact[p]));
        pt_log_info(
            "%-26s %5zu %5zu %5zu  %8.1f%s  packed %6.1f  ratio %.2f", shapes[i].layer,
            shapes[i].m, shapes[i].n, shapes[i].k, gflops(i, results[i].blas), paths,
            gflops(i, results[i].exact[0] + results[i].packing), ratio_of(&results[i]));
    }
    pt_log_info("exact %s to %s: %.2f (geometric mean)", b->paths[0]->name,
                pt_blas_describe(), mean);
}

static pt_status print_json(const bench *b, const result *results, double mean)
{
    json_t *rows = json_array();

    for (int i = 0; i < N_SHAPES; i++)
        json_array_append_new(
            rows, json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "layer",
                            shapes[i].layer, "m", (json_int_t)shapes[i].m, "n",
                            (json_int_t)shapes[i].n, "k", (json_int_t)shapes[i].k,
                            "blas_gflops", gflops(i, results[i].blas), "exact_gflops",
                            gflops(i, results[i].exact[0]), "packed_gflops",
                            gflops(i, results[i].exact[0] + results[i].packing), "ratio",
                            ratio_of(&results[i])));
    return pt_bench_print_json(json_pack("{s:s, s:s, s:s, s:i, s:f, s:o}", "bench",
                                         "gemm", "path", b->paths[0]->name, "blas",
                                         pt_blas_describe(), "rounds", b->rounds, "ratio",
                                         mean, "products", rows));
}

static pt_status run(bool json, bench *b)
{
    result results[N_SHAPES] = {{0}};
    double logs = 0;
    pt_status s = pt_blas_thread_init();

    for (int i = 0; i < N_SHAPES && s == PT_OK; i++) {
        s = measure(b, i, &results[i]);
        logs += log(ratio_of(&results[i]));
    }
    if (s != PT_OK) return s;
    if (json) return print_json(b, results, exp(logs / N_SHAPES));
    print_text(b, results, exp(logs / N_SHAPES));
    return PT_OK;
}

int pt_bench_gemm(int argc, char **argv)
{
    int rounds = 7;
    bool json = false, help = false;
    const pt_bench_option table[] = {
        {.name = "rounds", .number = &rounds, .least = 1, .most = 10000},
        {.name = "json", .flag = &json},
        {.name = "help", .flag = &help}};
    pt_status s = pt_bench_read_options(table, sizeof table / sizeof *table, argc, argv);
    bench b = {0};

    if (s == PT_OK && help) {
        fputs(usage, stdout);
        return 0;
    }
    if (s == PT_OK) s = init(&b, rounds);
    if (s == PT_OK) s = run(json, &b);
    fini(&b);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
