/* The rule of bits: what a kernel computes does not depend on how many threads share it,
 * nor on how the shards are dealt to workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/gemm_wide.h"
#include "tests/support/layers.h"
#include "tests/support/plain.h"

enum { V = 8, MAX_PARTS = V };

static const struct {
    layer_kind kind;
    pt_conv_shape s;
} layers[] = {
    {LAYER_CONV, {5, 7, 3, 5, 7, 16, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {20, 21, 16, 20, 21, 24, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV,
     {5, 5, 96, 5, 5, 96, 3, 3, 1, 1, 1, PT_WINOGRAD}}, /* large: tiles, not kept */
    {LAYER_CONV, {9, 9, 79, 9, 9, 23, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_CONV, {7, 7, 48, 7, 7, 256, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_CONV,
     {4, 3, 300, 4, 3, 260, 1, 1, 1, 0, 0, PT_WINOGRAD}}, /* tiles of channels */
    {LAYER_CONV, {17, 16, 3, 9, 8, 32, 7, 7, 2, 3, 3, PT_WINOGRAD}},
    {LAYER_CONV, {8, 8, 32, 4, 4, 40, 3, 3, 2, 0, 0, PT_WINOGRAD}},
    {LAYER_DEPTHWISE, {9, 8, 40, 9, 8, 40, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_DEPTHWISE, {8, 8, 20, 4, 4, 20, 3, 3, 2, 0, 0, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 300, 1, 1, 1000, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 64, 1, 1, 10, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 2048, 1, 1, 200, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 777, 1, 1, 301, 1, 1, 1, 0, 0, PT_WINOGRAD}},
};

/* The inputs of a batch of b images, and what the passes make of them. */
typedef struct {
    layer l;
    int b;
    bool bf16; /* gradients of weights by a tree in bfloat16 */
    float *x, *w, *bias, *dy;
    float *y, *dx, *dw, *db;
} batch;

static void forget_results(batch *t)
{
    size_t n = (size_t)t->b;

    t->y = layer_nan(n * t->l.y_floats);
    t->dx = layer_nan(n * t->l.x_floats);
    t->dw = layer_nan(t->l.w_floats);
    t->db = layer_nan(t->l.c_out);
}

static batch batch_of(const layer *l, int b)
{
    size_t n = (size_t)b;
    batch t = {.l = *l,
               .b = b,
               .x = layer_random(1, n * l->x_floats),
               .w = layer_random(2, l->w_floats),
               .bias = layer_random(3, l->c_out),
               .dy = layer_random(4, n * l->y_floats)};

    forget_results(&t);
    return t;
}

/* The same inputs, which it shares with `other`, and results of its own. */
static batch batch_like(const batch *other)
{
    batch t = *other;

    forget_results(&t);
    return t;
}

static void free_results(batch *t)
{
    free(t->y), free(t->dx), free(t->dw), free(t->db);
}

static void free_batch(batch *t)
{
    free(t->x), free(t->w), free(t->bias), free(t->dy);
    free_results(t);
}

/* Values of sub-trees from all workers, left to right. */
typedef struct {
    pt_subtree trees[MAX_PARTS];
    void *values[MAX_PARTS];
    int n;
} parts;

typedef struct {
    size_t n;
    bool bf16;
} length;

static void add(void *context, void *into, const void *from)
{
    const length *l = context;
    float *a = into;
    const float *b = from;

    for (size_t i = 0; i < l->n; i++)
        a[i] = l->bf16 ? plain_bf16(a[i] + b[i]) : a[i] + b[i];
}

static void finish(const parts *p, size_t n, bool bf16, float *out)
{
    length len = {n, bf16};
    const void *sum =
        pt_tree_finish(V, p->trees, (void *const *)p->values, p->n, add, &len);

    assert_non_null(sum);
    memcpy(out, sum, n * sizeof *out);
    for (int i = 0; i < p->n; i++) free(p->values[i]);
}

/* A copy that starts `slack` floats into its memory: a worker's buffers lie elsewhere
 * than a part of the whole batch would. */
static float *slice(const float *from, size_t n, size_t slack)
{
    float *p = layer_nan(n + slack);

    if (from) memcpy(p + slack, from, n * sizeof *p);
    return p;
}

/* The share of one worker. */
static void run_worker(batch *t, pt_threads *pool, const pt_span *span, parts *dw,
                       parts *db)
{
    const layer *l = &t->l;
    size_t first = (size_t)pt_span_first(span), n = (size_t)pt_span_images(span);
    size_t x_n = n * l->x_floats, y_n = n * l->y_floats, slack = (size_t)span->lo;
    float *x = slice(t->x + first * l->x_floats, x_n, slack),
          *y = slice(NULL, y_n, slack);
    float *dy = slice(t->dy + first * l->y_floats, y_n, slack);
    float *dx = slice(NULL, x_n, slack);
    pt_subtree cover[PT_MAX_COVER];
    float *w_sums[PT_MAX_COVER], *b_sums[PT_MAX_COVER];
    int n_trees = pt_tree_cover(span->lo, span->hi, V, cover);

    layer_forward(l, pool, span, x + slack, t->w, t->bias, y + slack);
    layer_backward_data(l, pool, span, dy + slack, t->w, false, dx + slack);
    memcpy(t->y + first * l->y_floats, y + slack, y_n * sizeof *y);
    memcpy(t->dx + first * l->x_floats, dx + slack, x_n * sizeof *dx);
    for (int i = 0; i < n_trees; i++) {
        bool empty = pt_node_size(span, cover[i].level, cover[i].index) == 0;

        w_sums[i] = empty ? NULL : layer_nan(l->w_floats); /* NULL: not to be touched */
        b_sums[i] = empty ? NULL : layer_nan(l->c_out);
    }
    layer_backward_weights(l, pool, span, x + slack, dy + slack, w_sums, b_sums);
    for (int i = 0; i < n_trees; i++) {
        dw->trees[dw->n] = db->trees[db->n] = cover[i];
        dw->values[dw->n++] = w_sums[i];
        db->values[db->n++] = b_sums[i];
    }
    free(x), free(y), free(dy), free(dx);
}

static void run_batch(batch *t, int n_threads, int n_workers)
{
    parts dw = {.n = 0}, db = {.n = 0};
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(n_threads, &pool), PT_OK);
    for (int i = 0; i < n_workers; i++) {
        pt_span span = {.n_shards = V, .b = t->b, .bf16 = t->bf16};

        pt_worker_shards(i, n_workers, V, &span.lo, &span.hi);
        run_worker(t, pool, &span, &dw, &db);
    }
    finish(&dw, t->l.w_floats, t->bf16, t->dw);
    finish(&db, t->l.c_out, t->bf16, t->db);
    pt_threads_destroy(&pool);
}

static void check_equal(const layer *l, const char *what, int threads, int workers,
                        const float *a, const float *b, size_t n)
{
    if (memcmp(a, b, n * sizeof *a) != 0) {
        fail_msg("%s: %s differs with %d threads, %d workers", layer_text(l), what,
                 threads, workers);
    }
}

/* Threads and workers. */
static const int cuts[][2] = {{2, 1}, {3, 1}, {4, 1}, {2, 3}, {1, 2},
                              {1, 3}, {1, 5}, {3, 5}, {1, 8}, {4, 8}};
enum { N_CUTS = sizeof cuts / sizeof *cuts };

static void check_batch(const layer *l, int b, int n_cuts)
{
    batch one = batch_of(l, b);
    size_t n = (size_t)b;

    run_batch(&one, 1, 1);
    for (int i = 0; i < n_cuts; i++) {
        int threads = cuts[i][0], workers = cuts[i][1];
        batch t = batch_like(&one);

        run_batch(&t, threads, workers);
        check_equal(l, "y", threads, workers, t.y, one.y, n * l->y_floats);
        check_equal(l, "dx", threads, workers, t.dx, one.dx, n * l->x_floats);
        check_equal(l, "dw", threads, workers, t.dw, one.dw, l->w_floats);
        check_equal(l, "db", threads, workers, t.db, one.db, l->c_out);
        free_results(&t);
    }
    free_batch(&one);
}

static void check_layers(int b)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        layer l = layer_of(layers[i].kind, &layers[i].s);

        for (int m = PT_WINOGRAD; m <= (l.kind == LAYER_CONV ? PT_DIRECT : 0); m++) {
            l.s.kernel = (pt_kernel)m;
            check_batch(&l, b, N_CUTS);
        }
    }
}

static void test_threads_and_workers_do_not_change_a_bit(void **state)
{
    check_layers(13);
}

static void test_nor_where_shards_are_empty(void **state)
{
    check_layers(5);
}

static void test_nor_at_the_networks_sizes(void **state)
{
    static const pt_conv_shape large[] = {
        {224, 224, 3, 112, 112, 64, 7, 7, 2, 3, 3, PT_WINOGRAD},
        {56, 56, 64, 56, 56, 64, 3, 3, 1, 1, 1, PT_WINOGRAD},
        {56, 56, 128, 28, 28, 128, 3, 3, 2, 1, 1, PT_WINOGRAD},
        {28, 28, 128, 28, 28, 512, 1, 1, 1, 0, 0, PT_WINOGRAD},
        {14, 14, 256, 14, 14, 256, 3, 3, 1, 1, 1, PT_WINOGRAD},
        {7, 7, 512, 7, 7, 512, 3, 3, 1, 1, 1, PT_WINOGRAD},
    };

    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        layer l = layer_of(LAYER_CONV, &large[i]);

        for (int m = PT_WINOGRAD; m <= PT_DIRECT; m++) {
            l.s.kernel = (pt_kernel)m;
            check_batch(&l, 4, 4);
        }
    }
}

/* The tree in bfloat16 as it is defined: every shard's gradient by itself in floats,
 * rounded, and every sum of two rounded. */
static void run_rounded(batch *t)
{
    parts dw = {.n = 0}, db = {.n = 0};
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(1, &pool), PT_OK);
    for (int s = 0; s < V; s++) {
        pt_span span = {.n_shards = V, .lo = s, .hi = s + 1, .b = t->b};

        run_worker(t, pool, &span, &dw, &db);
        for (size_t i = 0; dw.values[s] && i < t->l.w_floats; i++)
            ((float *)dw.values[s])[i] = plain_bf16(((float *)dw.values[s])[i]);
        for (size_t i = 0; db.values[s] && i < t->l.c_out; i++)
            ((float *)db.values[s])[i] = plain_bf16(((float *)db.values[s])[i]);
    }
    finish(&dw, t->l.w_floats, true, t->dw);
    finish(&db, t->l.c_out, true, t->db);
    pt_threads_destroy(&pool);
}

static void check_rounded(const layer *l, int b, int n_cuts)
{
    batch want = batch_of(l, b);

    run_rounded(&want);
    for (int i = 0; i < n_cuts; i++) {
        int threads = cuts[i][0], workers = cuts[i][1];
        batch t = batch_like(&want);

        t.bf16 = true;
        run_batch(&t, threads, workers);
        check_equal(l, "dw in bf16", threads, workers, t.dw, want.dw, l->w_floats);
        check_equal(l, "db in bf16", threads, workers, t.db, want.db, l->c_out);
        free_results(&t);
    }
    free_batch(&want);
}

static void test_a_tree_in_bf16_is_rounded_at_every_node(void **state)
{
    const pt_gemm_path *paths[4];
    int n_paths = pt_gemm_paths(paths);

    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        layer l = layer_of(layers[i].kind, &layers[i].s);

        pt_gemm_use(paths[i % (size_t)n_paths]);
        check_rounded(&l, 13, 5);
        check_rounded(&l, 5, 3);
    }
    pt_gemm_use(NULL);
}

/* The exact product's paths, each in one process with other threads and workers. */
static void test_nor_do_instruction_sets(void **state)
{
    const pt_gemm_path *paths[4];
    int n_paths = pt_gemm_paths(paths);

    paths[n_paths++] = &pt_gemm_wide;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        layer l = layer_of(layers[i].kind, &layers[i].s);

        for (int m = PT_WINOGRAD; m <= (l.kind == LAYER_CONV ? PT_DIRECT : 0); m++) {
            l.s.kernel = (pt_kernel)m;
            batch one = batch_of(&l, 5);

            pt_gemm_use(paths[0]);
            run_batch(&one, 1, 1);
            for (int k = 1; k < n_paths; k++) {
                batch t = batch_like(&one);

                pt_gemm_use(paths[k]);
                run_batch(&t, 2, k);
                check_equal(&l, paths[k]->name, 2, k, t.y, one.y, 5 * l.y_floats);
                check_equal(&l, paths[k]->name, 2, k, t.dx, one.dx, 5 * l.x_floats);
                check_equal(&l, paths[k]->name, 2, k, t.dw, one.dw, l.w_floats);
                free_results(&t);
            }
            free_batch(&one);
        }
    }
    pt_gemm_use(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_workers_do_not_change_a_bit),
        cmocka_unit_test(test_nor_where_shards_are_empty),
        cmocka_unit_test(test_nor_at_the_networks_sizes),
        cmocka_unit_test(test_nor_do_instruction_sets),
        cmocka_unit_test(test_a_tree_in_bf16_is_rounded_at_every_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
