/* usage: bench_conv [threads [images [name prefix [winograd | direct | blas]]]]
 *
 * GFLOP/s of the three passes of convolutions (2 * multiply-adds / time, the best of some
 * runs), with the images as 8 shards, and what OpenBLAS reaches on one large product.
 * With one thread time is the processor's, so that a shared machine disturbs less. */
#include <string.h>
#include <time.h>

#include "common/base/status.h"
#include "tests/bench/measure.h"
#include "worker/engine/conv/conv.h"
#include "worker/engine/gemm/gemm_blas.h"

enum { N_SHARDS = 8 };

static const struct {
    const char *name;
    int side, c_in, c_out, kernel, stride, pad;
} layers[] = {
    {"vgg.conv1_1", 224, 3, 64, 3, 1, 1},      {"vgg.conv1_2", 224, 64, 64, 3, 1, 1},
    {"vgg.conv2_1", 112, 64, 128, 3, 1, 1},    {"vgg.conv2_2", 112, 128, 128, 3, 1, 1},
    {"vgg.conv3_2", 56, 256, 256, 3, 1, 1},    {"vgg.conv4_2", 28, 512, 512, 3, 1, 1},
    {"vgg.conv5_2", 14, 512, 512, 3, 1, 1},    {"resnet.conv1", 224, 3, 64, 7, 2, 3},
    {"resnet.1.conv1", 56, 256, 64, 1, 1, 0},  {"resnet.1.conv2", 56, 64, 64, 3, 1, 1},
    {"resnet.1.conv3", 56, 64, 256, 1, 1, 0},  {"resnet.2.conv2s", 56, 128, 128, 3, 2, 1},
    {"resnet.2.down", 56, 256, 512, 1, 2, 0},  {"resnet.2.conv2", 28, 128, 128, 3, 1, 1},
    {"resnet.2.conv3", 28, 128, 512, 1, 1, 0}, {"resnet.3.conv1", 14, 1024, 256, 1, 1, 0},
    {"resnet.3.conv2", 14, 256, 256, 3, 1, 1}, {"resnet.4.conv2", 7, 512, 512, 3, 1, 1},
    {"resnet.4.conv3", 7, 512, 2048, 1, 1, 0}, {"squeeze.conv1", 224, 3, 64, 3, 2, 0},
    {"squeeze.2.sq", 55, 64, 16, 1, 1, 0},     {"squeeze.2.e1", 55, 16, 64, 1, 1, 0},
    {"squeeze.2.e3", 55, 16, 64, 3, 1, 1},     {"squeeze.3.sq", 55, 128, 16, 1, 1, 0},
    {"squeeze.4.sq", 27, 128, 32, 1, 1, 0},    {"squeeze.4.e1", 27, 32, 128, 1, 1, 0},
    {"squeeze.4.e3", 27, 32, 128, 3, 1, 1},    {"squeeze.5.sq", 27, 256, 32, 1, 1, 0},
    {"squeeze.6.sq", 13, 256, 48, 1, 1, 0},    {"squeeze.6.e1", 13, 48, 192, 1, 1, 0},
    {"squeeze.6.e3", 13, 48, 192, 3, 1, 1},    {"squeeze.7.sq", 13, 384, 48, 1, 1, 0},
    {"squeeze.8.sq", 13, 384, 64, 1, 1, 0},    {"squeeze.8.e1", 13, 64, 256, 1, 1, 0},
    {"squeeze.8.e3", 13, 64, 256, 3, 1, 1},    {"squeeze.9.sq", 13, 512, 64, 1, 1, 0},
    {"cifar.1", 32, 16, 16, 3, 1, 1},          {"cifar.2", 16, 32, 32, 3, 1, 1},
    {"cifar.3", 8, 64, 64, 3, 1, 1}, /* ResNets */
};

static clockid_t clock_id = CLOCK_MONOTONIC;
static pt_kernels kernels;

typedef struct {
    pt_threads *pool;
    pt_conv_shape s;
    pt_span span;
    float *x, *w, *bias, *y, *dw, *db, *scratch;
} bench;

static void run_pass(const bench *b, int pass)
{
    int n = b->span.b;

    if (pass == 0)
        pt_conv_forward(b->pool, &b->s, n, pt_floats(b->x), b->w, b->bias, false,
                        pt_floats(b->y), b->scratch);
    if (pass == 1)
        pt_conv_backward_data(b->pool, &b->s, n, pt_floats(b->y), b->w, false,
                              pt_floats(NULL), pt_floats(b->x), b->scratch);
    if (pass == 2)
        pt_conv_backward_weights(b->pool, &b->s, &b->span, pt_floats(b->x),
                                 pt_floats(b->y), &b->dw, NULL, b->scratch);
}

static double best_s(const bench *b, int pass)
{
    double best = 1e9, start = measure_seconds(clock_id);

    for (int i = 0; i < 2 || measure_seconds(clock_id) - start < 0.1; i++) {
        double t = measure_seconds(clock_id);

        run_pass(b, pass);
        t = measure_seconds(clock_id) - t;
        if (t < best) best = t;
    }
    return best;
}

static void bench_layer(pt_threads *pool, size_t layer, int n_images, double total_s[3],
                        double *total_flop)
{
    int side = layers[layer].side, k = layers[layer].kernel, pad = layers[layer].pad;
    int out = (side + 2 * pad - k) / layers[layer].stride + 1;
    int c_in = layers[layer].c_in, c_out = layers[layer].c_out;
    bench b = {.pool = pool, .span = {N_SHARDS, 0, N_SHARDS, n_images}};

    b.s = (pt_conv_shape){
        side, side, c_in,        out, out, c_out, k, k, layers[layer].stride,
        pad,  pad,  kernels.conv};
    size_t n = (size_t)n_images, pixels = (size_t)out * (size_t)out;
    size_t count = (size_t)(k * k) * (size_t)c_in * (size_t)c_out;
    size_t scratch = pt_conv_scratch(&b.s, &b.span, pt_threads_count(pool));
    double flop = 2.0 * (double)(n * pixels * count);

    b.x = measure_numbers(n * (size_t)side * (size_t)side * (size_t)c_in);
    b.y = measure_numbers(n * pixels * (size_t)c_out);
    b.w = measure_numbers(count);
    b.dw = measure_numbers(count);
    b.bias = measure_numbers((size_t)c_out);
    b.scratch = measure_numbers(scratch);
    printf("%-16s %4d %4d->%-4d %dx%d/%d %9.1f MFLOP", layers[layer].name, side, c_in,
           c_out, k, k, layers[layer].stride, flop * 1e-6);
    *total_flop += flop;
    for (int pass = 0; pass < 3; pass++) {
        double t = best_s(&b, pass);

        total_s[pass] += t;
        printf("  %7.1f", flop / t * 1e-9);
    }
    printf("   scratch %7.0f KB\n", (double)scratch * 4 / 1024);
    free(b.x), free(b.y), free(b.w), free(b.dw), free(b.bias), free(b.scratch);
}

static double big_gemm(void)
{
    enum { N = 1024 };
    float *a = measure_numbers(N * N), *b = measure_numbers(N * N),
          *c = measure_numbers(N * N);
    double best = 1e9;

    for (int i = 0; i < 6; i++) {
        double t = measure_seconds(clock_id);

        pt_blas_gemm(PT_N, PT_N, N, N, N, a, N, b, N, false, c, N);
        t = measure_seconds(clock_id) - t;
        if (t < best) best = t;
    }
    free(a), free(b), free(c);
    return 2.0 * N * N * N / best * 1e-9;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1, n_images = argc > 2 ? atoi(argv[2]) : 8;
    const char *prefix = argc > 3 ? argv[3] : "", *how = argc > 4 ? argv[4] : "winograd";
    double total_s[3] = {0}, flop = 0;
    pt_threads *pool = NULL;

    kernels.blas = strcmp(how, "blas") == 0;
    kernels.conv = strcmp(how, "direct") == 0 ? PT_DIRECT : PT_WINOGRAD;
    pt_kernels_use(kernels);
    if (threads == 1) clock_id = CLOCK_PROCESS_CPUTIME_ID;
    if (pt_threads_create(threads, &pool) != PT_OK) {
        fprintf(stderr, "bench_conv: %s\n", pt_fail_text());
        return 1;
    }
    printf("%s, %d threads, %d images; 1024^3 product on one thread: %.1f GFLOP/s\n",
           pt_kernels_describe(kernels), threads, n_images, big_gemm());
    printf("%-58s  forward     data  weights   GFLOP/s\n", "");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        if (strncmp(layers[i].name, prefix, strlen(prefix)) != 0) continue;
        bench_layer(pool, i, n_images, total_s, &flop);
    }
    printf("%-48s all", "");
    for (int i = 0; i < 3; i++) printf("  %7.1f", flop / total_s[i] * 1e-9);
    putchar('\n');
    pt_threads_destroy(&pool);
    return 0;
}
