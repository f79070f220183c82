/* usage: bench_linear [images [threads]]
 *
 * Milliseconds of processor time (wall time with several threads) of the three passes of
 * fully connected layers, with the images as 8 shards, and what each pass reaches in
 * GFLOP/s. VGG-16's layers are bound by reading their weights. */
#include <time.h>

#include "common/base/status.h"
#include "common/run/shards.h"
#include "tests/bench/measure.h"
#include "worker/engine/layers/linear.h"

enum { N_SHARDS = 8 };

static const struct {
    const char *name;
    int n_in, n_out;
} layers[] = {
    {"vgg.fc6", 25088, 4096}, {"vgg.fc7", 4096, 4096},  {"vgg.fc8", 4096, 102},
    {"resnet.fc", 2048, 200}, {"squeeze.fc", 512, 102},
};

static clockid_t clock_id = CLOCK_MONOTONIC;

static void bench_layer(pt_threads *pool, size_t layer, int n_images)
{
    int n_in = layers[layer].n_in, n_out = layers[layer].n_out;
    size_t in = (size_t)n_in, out = (size_t)n_out, n = (size_t)n_images;
    pt_span span = {N_SHARDS, 0, N_SHARDS, n_images, false};
    float *x = measure_numbers(n * in), *y = measure_numbers(n * out),
          *w = measure_numbers(in * out);
    float *dw = measure_numbers(in * out), *bias = measure_numbers(out);
    float *scratch = measure_numbers(
        pt_linear_scratch(n_in, n_out, n_images, N_SHARDS, pt_threads_count(pool)));

    printf("%-12s %5d -> %-5d", layers[layer].name, n_in, n_out);
    for (int pass = 0; pass < 3; pass++) {
        double best = 1e9;

        for (int i = 0; i < 3; i++) {
            double t = measure_seconds(clock_id);

            if (pass == 0) {
                pt_linear_forward(pool, n_in, n_out, n_images, false, x, w, bias, y,
                                  scratch);
            } else if (pass == 1) {
                pt_linear_backward_data(pool, n_in, n_out, n_images, false, y, w, false,
                                        x, scratch);
            } else {
                pt_linear_backward_weights(pool, n_in, n_out, &span, x, y, NULL, &dw,
                                           &bias, scratch);
            }
            t = measure_seconds(clock_id) - t;
            if (t < best) best = t;
        }
        printf("  %8.2f ms %6.1f GFLOP/s", best * 1e3,
               2.0 * (double)(n * in * out) / best * 1e-9);
    }
    putchar('\n');
    free(x), free(y), free(w), free(dw), free(bias), free(scratch);
}

int main(int argc, char **argv)
{
    int n_images = argc > 1 ? atoi(argv[1]) : 16, threads = argc > 2 ? atoi(argv[2]) : 1;
    pt_threads *pool = NULL;

    if (threads == 1) clock_id = CLOCK_PROCESS_CPUTIME_ID;
    if (pt_threads_create(threads, &pool) != PT_OK) {
        fprintf(stderr, "bench_linear: %s\n", pt_fail_text());
        return 1;
    }
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        bench_layer(pool, i, n_images);
    }
    pt_threads_destroy(&pool);
    return 0;
}
