#include "launch/bench/update.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/run/keys.h"
#include "common/base/log.h"
#include "launch/bench/options.h"
#include "launch/bench/result.h"
#include "server/sgd.h"

static const char usage[] =
    "usage: ptrain bench update [--network N] [--threads T] [--rounds N]\n"
    "\n"
    "The server's update of all parameters of a network, key by key, beside a triad\n"
    "a = b + s * c that moves as many bytes, alternating; medians. An update reads\n"
    "gradient, velocity and weight and writes the last two: 20 bytes a parameter. The\n"
    "triad's bytes are what goes over the bus: its store reads the line first, 16 bytes\n"
    "an element (STREAM counts 12).\n"
    "\n"
    "  --network N  whose parameters (resnet50)\n"
    "  --threads T  at once (1, as on a server)\n"
    "  --rounds N   of both (9)\n"
    "  --json       one line of JSON\n";

enum { UPDATE_BYTES = 20, TRIAD_BYTES = 16, STREAM_BYTES = 12 };

typedef struct {
    const char *network;
    int threads, rounds;
    bool json, help;
} options;

typedef struct {
    pt_graph *graph;
    pt_keys *keys;
    pt_threads *pool;
    size_t n;         /* parameters; elements of the triad: 5/4 of them */
    float *w, *v, *g; /* [n] */
    float *a, *b, *c; /* [n * 5 / 4] */
} bench;

static void update(void *context, int item, int thread)
{
    bench *b = context;
    const pt_key *k = &b->keys->keys[item];
    const pt_sgd rule = {.lr = 1e-4f, .momentum = 0.9f, .weight_decay = 5e-4f};

    PT_CHECK(pt_sgd_step(b->w + k->offset, b->v + k->offset, b->g + k->offset, k->count,
                         &rule),
             "a weight is not finite");
}

static size_t triad_size(const bench *b)
{
    return b->n * UPDATE_BYTES / TRIAD_BYTES;
}

/* One piece for each thread. */
static void triad(void *context, int item, int thread)
{
    bench *b = context;
    size_t n = triad_size(b), pieces = (size_t)pt_threads_count(b->pool);
    size_t end = n * ((size_t)item + 1) / pieces;
    float *restrict to = b->a;
    const float *restrict x = b->b, *restrict y = b->c;

    for (size_t i = n * (size_t)item / pieces; i < end; i++) to[i] = x[i] + 0.5f * y[i];
}

static void fini(bench *b)
{
    pt_threads_destroy(&b->pool);
    pt_keys_destroy(&b->keys);
    pt_graph_destroy(&b->graph);
    free(b->w);
    free(b->v);
    free(b->g);
    free(b->a);
    free(b->b);
    free(b->c);
}

static float *filled(size_t n, float value)
{
    float *x = pt_calloc(n, sizeof *x);

    for (size_t i = 0; x && i < n; i++) x[i] = value;
    return x;
}

static pt_status init(const options *o, bench *b)
{
    pt_graph_options g = {0};
    pt_status s = pt_graph_defaults(o->network, &g.side, &g.n_classes);

    if (s == PT_OK) s = pt_graph_create(o->network, &g, &b->graph);
    if (s == PT_OK) s = pt_keys_create(b->graph, 1, &b->keys);
    if (s == PT_OK) s = pt_threads_create(o->threads, &b->pool);
    if (s != PT_OK) return s;
    b->n = b->graph->n_param_floats;
    b->w = filled(b->n, 0.5f);
    b->v = filled(b->n, 0);
    b->g = filled(b->n, 0.25f);
    b->a = filled(triad_size(b), 0);
    b->b = filled(triad_size(b), 1);
    b->c = filled(triad_size(b), 1);
    return b->w && b->v && b->g && b->a && b->b && b->c
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for %zu parameters", b->n);
}

/* Medians of both, in seconds. */
static pt_status measure(const options *o, bench *b, double *update_s, double *triad_s)
{
    double *times = pt_calloc(2 * (size_t)o->rounds, sizeof *times), start;

    if (!times) return pt_fail(PT_ERR_NOMEM, "no memory for the times");
    for (int i = -1; i < o->rounds; i++) { /* the first warms up */
        start = pt_clock();
        pt_threads_run(b->pool, b->keys->n, update, b);
        if (i >= 0) times[i] = pt_clock() - start;
        start = pt_clock();
        pt_threads_run(b->pool, pt_threads_count(b->pool), triad, b);
        if (i >= 0) times[o->rounds + i] = pt_clock() - start;
    }
    *update_s = pt_bench_median(times, o->rounds);
    *triad_s = pt_bench_median(times + o->rounds, o->rounds);
    free(times);
    return PT_OK;
}

static pt_status print(const options *o, const bench *b, double update_s, double triad_s)
{
    double elements = (double)triad_size(b), gb = 1e-9;
    double bus = elements * TRIAD_BYTES * gb / triad_s;
    double rate = (double)b->n * UPDATE_BYTES * gb / update_s;

    if (!o->json) {
        pt_log_info("update    %s, %zu parameters, %d thread%s: %.2f ms, %.2f GB/s",
                    o->network, b->n, o->threads, o->threads == 1 ? "" : "s",
                    update_s * 1e3, rate);
        pt_log_info("triad     %.2f ms, %.2f GB/s (as STREAM counts: %.2f)",
                    triad_s * 1e3, bus, elements * STREAM_BYTES * gb / triad_s);
        pt_log_info("          the update reaches %.0f %% of it", 100 * rate / bus);
        return PT_OK;
    }
    return pt_bench_print_json(
        json_pack("{s:s, s:s, s:i, s:i, s:I, s:f, s:f, s:f, s:f, s:f}", "bench", "update",
                  "network", o->network, "threads", o->threads, "rounds", o->rounds,
                  "parameters", (json_int_t)b->n, "seconds", update_s, "gb_per_s", rate,
                  "triad_gb_per_s", bus, "triad_stream_gb_per_s",
                  elements * STREAM_BYTES * gb / triad_s, "share_of_triad", rate / bus));
}

int pt_bench_update(int argc, char **argv)
{
    options o = {.network = "resnet50", .threads = 1, .rounds = 9};
    const pt_bench_option table[] = {
        {.name = "network", .text = &o.network},
        {.name = "threads", .number = &o.threads, .least = 1, .most = PT_MAX_THREADS},
        {.name = "rounds", .number = &o.rounds, .least = 1, .most = 10000},
        {.name = "json", .flag = &o.json},
        {.name = "help", .flag = &o.help}};
    pt_status s = pt_bench_read_options(table, sizeof table / sizeof *table, argc, argv);
    double update_s = 0, triad_s = 0;
    bench b = {0};

    if (s == PT_OK && o.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (s == PT_OK) s = init(&o, &b);
    if (s == PT_OK) s = measure(&o, &b, &update_s, &triad_s);
    if (s == PT_OK) s = print(&o, &b, update_s, triad_s);
    fini(&b);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
