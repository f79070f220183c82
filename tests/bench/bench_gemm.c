/* usage: bench_gemm
 *
 * Matrix products of the networks' layers on one thread: the exact product on every path
 * of this CPU beside CBLAS, alternating; medians of seven rounds in GFLOP/s, and the
 * ratio of the first path, packing of the weights included (once for the whole product,
 * as in a step), to CBLAS. Then the same product of bf16 operands, which are rounded in
 * the measured time, and its speed in fp32's. The last line names the core that OpenBLAS
 * takes this CPU for: README.md says what to do where it has no AVX-512 and the CPU has.
 */
#include <math.h>

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/gemm/gemm_bf16.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/pack_bf16.h"
#include "tests/bench/measure.h"
#include "worker/engine/gemm/gemm_blas.h"

enum {
    ROUNDS = 7,
    MAX_PATHS = 2,
    FLOATS = 2 * 1024 * 1024, /* of the largest matrix */
    WORK = 100 * 1000 * 1000  /* multiply-adds of a measurement */
};

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
    const pt_gemm_path *paths[3];
    int n_paths;
    float *a, *b, *packed, *pairs, *c;
} bench;

/* Seconds of a product. */
typedef struct {
    double blas, exact[MAX_PATHS], packing, bf16; /* bf16: with its packing */
} result;

static void init(bench *b)
{
    pt_rng r = pt_rng_stream(1, PT_RNG_BENCH, 0, 3);

    b->n_paths = pt_gemm_paths(b->paths);
    if (b->n_paths > 1)
        b->n_paths--; /* not the portable one: without FMA it takes hours */
    b->a = measure_floats(FLOATS);
    b->b = measure_floats(FLOATS);
    b->packed = measure_floats(FLOATS);
    b->pairs = measure_floats(FLOATS / 2);
    b->c = measure_floats(FLOATS);
    pt_rng_fill_uniform(&r, b->a, FLOATS);
    pt_rng_fill_uniform(&r, b->b, FLOATS);
}

/* Seconds of one product by the path in use; blas: by CBLAS. */
static double product_s(const bench *b, int i, bool blas)
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
        if (blas)
            pt_blas_gemm(shapes[i].ta, PT_N, m, n, k, b->a, lda, b->b, n, false, b->c, n);
        else
            pt_gemm(&p);
    }
    return (pt_clock() - start) / times;
}

static double bf16_s(const bench *b, int i)
{
    size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k;
    size_t step = PT_PANEL * pt_gemm_pairs(k);
    int times = (int)(WORK / (m * n * k)) + 1;
    pt_product p = {.ta = shapes[i].ta,
                    .m = m,
                    .n = n,
                    .k = k,
                    .a = b->a,
                    .lda = shapes[i].ta == PT_T ? m : k,
                    .b = b->pairs,
                    .panel_step = step,
                    .bf16 = true,
                    .c = b->c,
                    .ldc = n};
    double start = pt_clock(), packed;

    pt_gemm_pack_bf16(PT_N, k, n, b->b, n, 0, pt_gemm_panels(n), step, b->pairs);
    packed = pt_clock();
    for (int j = 0; j < times; j++) pt_gemm(&p);
    return packed - start + (pt_clock() - packed) / times;
}

static double packing_s(const bench *b, int i)
{
    size_t n = shapes[i].n, k = shapes[i].k;
    double start = pt_clock();

    pt_gemm_pack(PT_N, k, n, b->b, n, 0, pt_gemm_panels(n), PT_PANEL * k, b->packed);
    return pt_clock() - start;
}

static result measure(const bench *b, int i)
{
    double blas[ROUNDS], packing[ROUNDS], bf16[ROUNDS], exact[MAX_PATHS][ROUNDS];
    result r;

    for (int round = 0; round < ROUNDS; round++) {
        blas[round] = product_s(b, i, true);
        packing[round] = packing_s(b, i);
        for (int p = 0; p < b->n_paths; p++) {
            pt_gemm_use(b->paths[p]);
            exact[p][round] = product_s(b, i, false);
        }
        bf16[round] = bf16_s(b, i);
    }
    r.blas = measure_median(blas, ROUNDS);
    r.packing = measure_median(packing, ROUNDS);
    r.bf16 = measure_median(bf16, ROUNDS);
    for (int p = 0; p < b->n_paths; p++) r.exact[p] = measure_median(exact[p], ROUNDS);
    return r;
}

/* Prints the row of a product; returns the ratio to CBLAS. */
static double print_row(const bench *b, int i, const result *r)
{
    size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k;
    double gflop = 2e-9 * (double)(m * n * k), packed = r->exact[0] + r->packing;

    printf("%-26s %5zu %5zu %5zu  %8.1f", shapes[i].layer, m, n, k, gflop / r->blas);
    for (int p = 0; p < b->n_paths; p++)
        printf("  %s %6.1f", b->paths[p]->name, gflop / r->exact[p]);
    printf("  packed %6.1f  ratio %.2f", gflop / packed, r->blas / packed);
    printf("  bf16 %s %6.1f  ratio %.2f\n", pt_gemm_bf16_path_in_use()->name,
           gflop / r->bf16, packed / r->bf16);
    return r->blas / packed;
}

int main(void)
{
    bench b = {0};
    double logs = 0, bf16_logs = 0;

    init(&b);
    printf("%-26s %5s %5s %5s  %8s\n", "one thread, GFLOP/s", "m", "n", "k", "CBLAS");
    for (int i = 0; i < N_SHAPES; i++) {
        result r = measure(&b, i);

        logs += log(print_row(&b, i, &r));
        bf16_logs += log((r.exact[0] + r.packing) / r.bf16);
    }
    printf("exact %s to %s: %.2f (geometric mean)\n", b.paths[0]->name,
           pt_blas_describe(), exp(logs / N_SHAPES));
    printf("bf16 %s to fp32 %s: %.2f (geometric mean)\n",
           pt_gemm_bf16_path_in_use()->name, b.paths[0]->name, exp(bf16_logs / N_SHAPES));
    free(b.a), free(b.b), free(b.packed), free(b.pairs), free(b.c);
    return 0;
}
