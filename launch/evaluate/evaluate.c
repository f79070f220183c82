#include "launch/evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/run/wire.h"
#include "worker/engine/net/net.h"
#include "worker/engine/threads.h"
#include "worker/input/picture.h"
#include "worker/objective/cross_entropy.h"

typedef struct {
    pt_place place;
    bool mirrored;
} view;

/* In the order of PT_VIEWS_TEN: the first 1, 2 or 10 of them. */
static const view all_views[] = {
    {PT_PLACE_CENTRE, false},       {PT_PLACE_CENTRE, true},
    {PT_PLACE_TOP_LEFT, false},     {PT_PLACE_TOP_LEFT, true},
    {PT_PLACE_TOP_RIGHT, false},    {PT_PLACE_TOP_RIGHT, true},
    {PT_PLACE_BOTTOM_LEFT, false},  {PT_PLACE_BOTTOM_LEFT, true},
    {PT_PLACE_BOTTOM_RIGHT, false}, {PT_PLACE_BOTTOM_RIGHT, true}};

int pt_views_count(pt_views views)
{
    return views == PT_VIEWS_CENTRE ? 1 : views == PT_VIEWS_FLIP ? 2 : 2 * PT_PLACES;
}

/* A block of images, decoded by the pool's threads, seen in one view after another. */
typedef struct {
    const pt_classifier *model;
    const pt_dataset *data;
    const uint32_t *images; /* [n] of the block */
    view view;
    pt_image *decoded;   /* [PT_EVAL_BLOCK] */
    float *pixels;       /* [PT_EVAL_BLOCK][image_floats] */
    size_t image_floats; /* of the network's input */
    pt_status status[PT_EVAL_BLOCK];
    char (*why)[512]; /* [PT_EVAL_BLOCK] */
    pt_threads *pool;
    pt_net *net;
    double *p; /* [n_classes]: probabilities of one view */
} block;

/* Failures are kept by image: their text belongs to the thread. */
static void keep(block *b, int i, pt_status s)
{
    b->status[i] = s;
    if (s != PT_OK)
        snprintf(b->why[i], sizeof b->why[i], "%s: %.400s",
                 pt_dataset_name(b->data, b->images[i]), pt_fail_text());
}

static void decode(void *context, int i, int thread)
{
    block *b = context;
    size_t n = pt_dataset_bytes(b->data, b->images[i]);
    uint8_t *file = malloc(n + 1);
    pt_status s = file ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for its %zu bytes", n);

    if (s == PT_OK) s = pt_dataset_read(b->data, b->images[i], file);
    if (s == PT_OK) s = pt_picture_decode(file, n, &b->decoded[i], NULL);
    free(file);
    keep(b, i, s);
}

static void look(void *context, int i, int thread)
{
    block *b = context;

    keep(b, i,
         pt_augment_at(&b->model->augment, &b->decoded[i], b->view.place,
                       b->view.mirrored, b->pixels + (size_t)i * b->image_floats));
}

static pt_status on_threads(block *b, int n, void (*work)(void *, int, int))
{
    pt_threads_run(b->pool, n, work, b);
    for (int i = 0; i < n; i++)
        if (b->status[i] != PT_OK) return pt_fail(b->status[i], "%s", b->why[i]);
    return PT_OK;
}

/* sums [n][c] of probabilities, to which those of the net's output are added. */
static void add_probabilities(block *b, int n, double *sums)
{
    const pt_graph *g = b->model->graph;
    const float *rows = pt_net_output(b->net, g->logits);

    for (int i = 0; i < n; i++) {
        pt_softmax(rows + (size_t)i * (size_t)g->n_classes, g->n_classes, b->p);
        for (int k = 0; k < g->n_classes; k++)
            sums[(size_t)i * (size_t)g->n_classes + (size_t)k] += b->p[k];
    }
}

static pt_status see(block *b, int n, int n_views, double *sums, float *logits)
{
    size_t floats = (size_t)n * (size_t)b->model->graph->n_classes;
    pt_status s = PT_OK;

    memset(sums, 0, floats * sizeof *sums);
    for (int v = 0; v < n_views && s == PT_OK; v++) {
        b->view = all_views[v];
        s = on_threads(b, n, look);
        if (s == PT_OK) s = pt_net_evaluate(b->net, n, b->pixels);
        if (s == PT_OK && n_views > 1) add_probabilities(b, n, sums);
    }
    if (s != PT_OK) return s;
    if (n_views == 1)
        memcpy(logits, pt_net_output(b->net, b->model->graph->logits),
               floats * sizeof *logits);
    for (size_t i = 0; i < floats && n_views > 1; i++)
        logits[i] = (float)log(sums[i] / n_views);
    return PT_OK;
}

static pt_status open_block(const pt_classifier *m, const pt_dataset *d, block *b)
{
    size_t side = (size_t)m->graph->nodes[0].h;
    pt_status s;

    *b = (block){.model = m, .data = d, .image_floats = side * side * 3};
    b->decoded = pt_calloc(PT_EVAL_BLOCK, sizeof *b->decoded);
    b->pixels = pt_calloc(PT_EVAL_BLOCK * b->image_floats, sizeof *b->pixels);
    b->why = pt_calloc(PT_EVAL_BLOCK, sizeof *b->why);
    b->p = pt_calloc((size_t)m->graph->n_classes, sizeof *b->p);
    if (!b->decoded || !b->pixels || !b->why || !b->p)
        return pt_fail(PT_ERR_NOMEM, "no memory for the images");
    s = pt_threads_create(pt_usable_cores(), &b->pool);
    if (s != PT_OK) return s;
    return pt_net_create(&(pt_net_options){.graph = m->graph,
                                           .pool = b->pool,
                                           .weights = m->flat,
                                           .max_images = PT_EVAL_BLOCK,
                                           .n_shards = 1,
                                           .hi = 1},
                         &b->net);
}

static void forget_images(block *b)
{
    for (int i = 0; i < PT_EVAL_BLOCK && b->decoded; i++) pt_image_fini(&b->decoded[i]);
}

static void close_block(block *b)
{
    forget_images(b);
    pt_net_destroy(&b->net);
    pt_threads_destroy(&b->pool);
    free(b->decoded);
    free(b->pixels);
    free(b->why);
    free(b->p);
}

pt_status pt_evaluate_model(const pt_classifier *m, const pt_dataset *d,
                            const uint32_t *images, size_t n, pt_views views,
                            float *logits)
{
    size_t c = (size_t)m->graph->n_classes;
    double *sums = pt_calloc(PT_EVAL_BLOCK * c, sizeof *sums);
    block b;
    pt_status s = open_block(m, d, &b);

    if (s == PT_OK && !sums) s = pt_fail(PT_ERR_NOMEM, "no memory for the classes");
    for (size_t at = 0; at < n && s == PT_OK; at += PT_EVAL_BLOCK) {
        int some = n - at < PT_EVAL_BLOCK ? (int)(n - at) : PT_EVAL_BLOCK;

        b.images = images + at;
        s = on_threads(&b, some, decode);
        if (s == PT_OK) s = see(&b, some, pt_views_count(views), sums, logits + at * c);
        forget_images(&b);
    }
    close_block(&b);
    free(sums);
    return s;
}
