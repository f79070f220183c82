/* usage: bench_depthwise [threads [images [name prefix]]]
 *
 * The three passes of MobileNet v1's depthwise convolutions, with the images as 8 shards,
 * beside a triad a = b + s * c that moves as many bytes, alternating: ms, and the share
 * of the triad's speed; medians of nine rounds. The passes have 9 multiply-adds a value,
 * so the memory bounds them. Bytes are what goes over the bus if every value is moved
 * once: a store reads its line first (forward, data: 4 a value read, 8 a value written;
 * weights: 4 a value of x and dy; the triad: 16 an element). With one thread time is the
 * processor's, so that a shared machine disturbs less. */
#include <string.h>
#include <time.h>

#include "tests/bench/measure.h"
#include "worker/engine/conv/depthwise.h"

enum { N_SHARDS = 8, ROUNDS = 9, TRIAD_BYTES = 16 };

static const struct {
    const char *name;
    int side, channels, stride, times; /* in the network */
} layers[] = {
    {"dw1", 112, 32, 1, 1},    {"dw2", 112, 64, 2, 1},  {"dw3", 56, 128, 1, 1},
    {"dw4", 56, 128, 2, 1},    {"dw5", 28, 256, 1, 1},  {"dw6", 28, 256, 2, 1},
    {"dw7-11", 14, 512, 1, 5}, {"dw12", 14, 512, 2, 1}, {"dw13", 7, 1024, 1, 1},
};

typedef enum { FORWARD, DATA, WEIGHTS, N_PASSES } kind;

typedef struct {
    pt_threads *pool;
    pt_conv_shape s;
    pt_span span;
    float *x, *y, *w, *dw, *scratch;
    size_t n_triad; /* elements */
    float *a, *b, *c;
} bench;

static clockid_t clock_id = CLOCK_MONOTONIC;

static void run_pass(const bench *b, kind k)
{
    int n = b->span.b;

    if (k == FORWARD)
        pt_depthwise_forward(b->pool, &b->s, n, pt_floats(b->x), b->w, NULL,
                             pt_floats(b->y), b->scratch);
    if (k == DATA)
        pt_depthwise_backward_data(b->pool, &b->s, n, pt_floats(b->y), b->w, false,
                                   pt_floats(b->x), b->scratch);
    if (k == WEIGHTS)
        pt_depthwise_backward_weights(b->pool, &b->s, &b->span, pt_floats(b->x),
                                      pt_floats(b->y), &b->dw, NULL, b->scratch);
}

/* One piece for each thread. */
static void triad(void *context, int item, int thread)
{
    const bench *b = context;
    size_t pieces = (size_t)pt_threads_count(b->pool);
    size_t end = b->n_triad * ((size_t)item + 1) / pieces;
    float *restrict to = b->a;
    const float *restrict x = b->b, *restrict y = b->c;

    for (size_t i = b->n_triad * (size_t)item / pieces; i < end; i++)
        to[i] = x[i] + 0.5f * y[i];
}

static size_t bytes_of(kind k, size_t x_floats, size_t y_floats)
{
    if (k == FORWARD) return 4 * x_floats + 8 * y_floats;
    if (k == DATA) return 4 * y_floats + 8 * x_floats;
    return 4 * (x_floats + y_floats);
}

static void measure_pass(bench *b, kind k, double *pass_s, double *triad_s)
{
    double passes[ROUNDS], triads[ROUNDS];

    for (int i = -1; i < ROUNDS; i++) { /* the first warms up */
        double start = measure_seconds(clock_id), middle, end;

        run_pass(b, k);
        middle = measure_seconds(clock_id);
        pt_threads_run(b->pool, pt_threads_count(b->pool), triad, b);
        end = measure_seconds(clock_id);
        if (i < 0) continue;
        passes[i] = middle - start;
        triads[i] = end - middle;
    }
    *pass_s = measure_median(passes, ROUNDS);
    *triad_s = measure_median(triads, ROUNDS);
}

static void init(bench *b, pt_threads *pool, size_t layer, int n_images)
{
    int side = layers[layer].side, c = layers[layer].channels, k = layers[layer].stride;
    int out = side / k, pad = k == 1; /* as Keras pads: at a stride of 2, after the map */
    size_t x_floats, y_floats;

    *b = (bench){.pool = pool,
                 .span = {.n_shards = N_SHARDS, .hi = N_SHARDS, .b = n_images}};
    b->s = (pt_conv_shape){.h = side,
                           .w = side,
                           .c_in = c,
                           .out_h = out,
                           .out_w = out,
                           .c_out = c,
                           .kh = 3,
                           .kw = 3,
                           .stride = k,
                           .pad_top = pad,
                           .pad_left = pad};
    x_floats = (size_t)n_images * (size_t)side * (size_t)side * (size_t)c;
    y_floats = (size_t)n_images * pt_conv_pixels(&b->s) * (size_t)c;
    b->x = measure_numbers(x_floats);
    b->y = measure_numbers(y_floats);
    b->w = measure_numbers(9 * (size_t)c);
    b->dw = measure_numbers(9 * (size_t)c);
    b->scratch =
        measure_numbers(pt_depthwise_scratch(&b->s, &b->span, pt_threads_count(pool)));
    b->a = measure_numbers((x_floats + y_floats) * 8 / TRIAD_BYTES);
    b->b = measure_numbers((x_floats + y_floats) * 8 / TRIAD_BYTES);
    b->c = measure_numbers((x_floats + y_floats) * 8 / TRIAD_BYTES);
}

static void fini(bench *b)
{
    free(b->x), free(b->y), free(b->w), free(b->dw), free(b->scratch);
    free(b->a), free(b->b), free(b->c);
}

static void measure_layer(pt_threads *pool, size_t layer, int n_images,
                          double pass_s[N_PASSES], double triad_s[N_PASSES])
{
    int side = layers[layer].side, channels = layers[layer].channels;
    bench b;

    init(&b, pool, layer, n_images);
    printf("%-8s %4d %5d /%d x%d", layers[layer].name, side, channels,
           layers[layer].stride, layers[layer].times);
    for (kind k = 0; k < N_PASSES; k++) {
        size_t x_floats = (size_t)(n_images * side * side * channels);
        size_t y_floats = (size_t)n_images * pt_conv_pixels(&b.s) * (size_t)channels;
        double pass, of_triad;

        b.n_triad = bytes_of(k, x_floats, y_floats) / TRIAD_BYTES;
        measure_pass(&b, k, &pass, &of_triad);
        pass_s[k] += pass * layers[layer].times;
        triad_s[k] += of_triad * layers[layer].times;
        printf("  %7.2f ms %3.0f %%", pass * 1e3, 100 * of_triad / pass);
    }
    putchar('\n');
    fini(&b);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1, n_images = argc > 2 ? atoi(argv[2]) : 16;
    const char *prefix = argc > 3 ? argv[3] : "";
    double pass_s[N_PASSES] = {0}, triad_s[N_PASSES] = {0};
    pt_threads *pool = NULL;

    if (pt_threads_create(threads, &pool) != PT_OK) {
        fprintf(stderr, "error: bench_depthwise: %s\n", pt_fail_text());
        return 1;
    }
    if (threads == 1) clock_id = CLOCK_PROCESS_CPUTIME_ID;
    printf("%d threads, %d images\n%-23s  %14s  %14s  %14s\n", threads, n_images, "",
           "forward", "data", "weights");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (strncmp(layers[i].name, prefix, strlen(prefix)) == 0)
            measure_layer(pool, i, n_images, pass_s, triad_s);
    printf("%-23s", "all");
    for (kind k = 0; k < N_PASSES; k++)
        printf("  %7.2f ms %3.0f %%", pass_s[k] * 1e3, 100 * triad_s[k] / pass_s[k]);
    putchar('\n');
    pt_threads_destroy(&pool);
    return 0;
}
