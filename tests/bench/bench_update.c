/* usage: bench_update [network [threads [sgd|adamw]]]
 *
 * The server's update of all parameters of a network (resnet50), key by key, beside a
 * triad a = b + s * c that moves as many bytes, alternating; medians of nine rounds. An
 * update reads the gradient, and reads and writes the weight and the optimizer's state:
 * velocity (sgd), 20 bytes a parameter; both moments (adamw), 28. The triad's bytes are
 * what goes over the bus: its store reads the line first, 16 bytes an element (STREAM
 * counts 12). */
#include <string.h>

#include "common/base/clock.h"
#include "common/run/keys.h"
#include "server/adamw.h"
#include "server/sgd.h"
#include "tests/bench/measure.h"
#include "worker/engine/threads.h"

enum { TRIAD_BYTES = 16, STREAM_BYTES = 12, ROUNDS = 9 };

typedef struct {
    pt_keys *keys;
    pt_threads *threads;
    bool adamw;           /* else sgd */
    size_t n, bytes;      /* parameters; of one, that an update moves */
    float *w, *v, *g, *m; /* [n]; m: adamw */
    size_t n_triad;       /* elements of the triad, for as many bytes */
    float *a, *b, *c;     /* [n_triad] */
} bench;

static bool sgd(const bench *b, const pt_key *k)
{
    const pt_sgd rule = {.lr = 1e-4f, .momentum = 0.9f, .weight_decay = 5e-4f};

    return pt_sgd_step(b->w + k->offset, b->v + k->offset, b->g + k->offset, k->count,
                       &rule);
}

static bool adamw(const bench *b, const pt_key *k)
{
    const pt_adamw rule = {.lr = 1e-4f,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .eps = 1e-8,
                           .weight_decay = 0.01f,
                           .t = 1000};

    return pt_adamw_step(b->w + k->offset, b->m + k->offset, b->v + k->offset,
                         b->g + k->offset, k->count, &rule);
}

static void update(void *context, int item, int thread)
{
    bench *b = context;
    const pt_key *k = &b->keys->keys[item];

    PT_CHECK(b->adamw ? adamw(b, k) : sgd(b, k), "a weight is not finite");
}

/* One piece for each thread. */
static void triad(void *context, int item, int thread)
{
    bench *b = context;
    size_t pieces = (size_t)pt_threads_count(b->threads);
    size_t end = b->n_triad * ((size_t)item + 1) / pieces;
    float *restrict to = b->a;
    const float *restrict x = b->b, *restrict y = b->c;

    for (size_t i = b->n_triad * (size_t)item / pieces; i < end; i++)
        to[i] = x[i] + 0.5f * y[i];
}

static float *filled(size_t n, float value)
{
    float *x = measure_floats(n);

    for (size_t i = 0; i < n; i++) x[i] = value;
    return x;
}

static pt_status init(const char *network, int threads, bench *b)
{
    pt_graph_options options = {0};
    pt_graph *graph = NULL;
    pt_status s = pt_graph_defaults(network, &options.side, &options.n_classes);

    if (s == PT_OK) s = pt_graph_create(network, &options, &graph);
    if (s == PT_OK) s = pt_keys_create(graph, 1, &b->keys);
    if (s == PT_OK) s = pt_threads_create(threads, &b->threads);
    if (s != PT_OK) return s;
    b->n = graph->n_param_floats;
    b->w = filled(b->n, 0.5f);
    b->v = filled(b->n, 0);
    b->g = filled(b->n, 0.25f);
    if (b->adamw) b->m = filled(b->n, 0);
    b->bytes = (b->adamw ? 7 : 5) * sizeof(float);
    b->n_triad = b->n * b->bytes / TRIAD_BYTES;
    b->a = filled(b->n_triad, 0);
    b->b = filled(b->n_triad, 1);
    b->c = filled(b->n_triad, 1);
    pt_graph_destroy(&graph);
    return PT_OK;
}

static double seconds_of(bench *b, int items, void (*f)(void *, int, int))
{
    double start = pt_clock();

    pt_threads_run(b->threads, items, f, b);
    return pt_clock() - start;
}

static void measure(bench *b, double *update_s, double *triad_s)
{
    double updates[ROUNDS], triads[ROUNDS];

    for (int i = -1; i < ROUNDS; i++) { /* the first warms up */
        double u = seconds_of(b, b->keys->n, update);
        double t = seconds_of(b, pt_threads_count(b->threads), triad);

        if (i < 0) continue;
        updates[i] = u;
        triads[i] = t;
    }
    *update_s = measure_median(updates, ROUNDS);
    *triad_s = measure_median(triads, ROUNDS);
}

int main(int argc, char **argv)
{
    const char *network = argc > 1 ? argv[1] : "resnet50";
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    double update_s, triad_s, rate, bus, gb = 1e-9;
    bench b = {.adamw = argc > 3 && strcmp(argv[3], "adamw") == 0};

    if (argc > 3 && !b.adamw && strcmp(argv[3], "sgd") != 0) {
        fprintf(stderr, "error: bench_update: '%s' is neither sgd nor adamw\n", argv[3]);
        return 2;
    }
    if (init(network, threads, &b) != PT_OK) {
        fprintf(stderr, "error: bench_update: %s\n", pt_fail_text());
        return 1;
    }
    measure(&b, &update_s, &triad_s);
    rate = (double)b.n * (double)b.bytes * gb / update_s;
    bus = (double)b.n_triad * TRIAD_BYTES * gb / triad_s;
    printf("%-9s %s, %zu parameters, %d thread%s: %.2f ms, %.2f GB/s\n",
           b.adamw ? "adamw" : "sgd", network, b.n, threads, threads == 1 ? "" : "s",
           update_s * 1e3, rate);
    printf("triad     %.2f ms, %.2f GB/s (as STREAM counts: %.2f)\n", triad_s * 1e3, bus,
           bus * STREAM_BYTES / TRIAD_BYTES);
    printf("          the update reaches %.0f %% of it\n", 100 * rate / bus);
    free(b.w), free(b.v), free(b.g), free(b.m), free(b.a), free(b.b), free(b.c);
    pt_threads_destroy(&b.threads);
    pt_keys_destroy(&b.keys);
    return 0;
}
