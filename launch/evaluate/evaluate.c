#include "launch/evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cores.h"
#include "common/run/wire.h"
#include "worker/engine/net/net.h"
#include "worker/engine/threads.h"
#include "worker/input/picture.h"
#include "worker/objective/cross_entropy.h"

enum { WHY = 512 };

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

/* A block of pictures, decoded by the pool's threads, seen in one view after another. */
typedef struct {
    const pt_classifier *model;
    const pt_pictures *pictures;
    size_t at; /* the first of the block */
    view view;
    pt_image *decoded;   /* [PT_EVAL_BLOCK] */
    float *pixels;       /* [PT_EVAL_BLOCK][image_floats] */
    size_t image_floats; /* of the network's input */
    pt_status status[PT_EVAL_BLOCK];
    char (*why)[WHY]; /* [PT_EVAL_BLOCK] */
    pt_threads *pool;
    pt_net *net;
    double *p;     /* [n_classes]: probabilities of one view */
    double *sums;  /* [PT_EVAL_BLOCK][n_classes]: of several */
    float *logits; /* [PT_EVAL_BLOCK][n_classes] */
    const pt_looking *how;
} block;

/* Failures are kept by picture: their text belongs to the thread. */
static void keep(block *b, int i, pt_status s)
{
    b->status[i] = s;
    if (s != PT_OK) snprintf(b->why[i], WHY, "%s", pt_fail_text());
}

/* The same of a text that does not have the picture's name. */
static void keep_named(block *b, int i, pt_status s)
{
    const pt_pictures *p = b->pictures;

    b->status[i] = s;
    snprintf(b->why[i], WHY, "%s: %s", p->name(p->context, b->at + (size_t)i),
             pt_fail_text());
}

static void decode(void *context, int i, int thread)
{
    block *b = context;
    const pt_pictures *p = b->pictures;
    uint8_t *file = NULL;
    size_t n = 0;
    pt_status s = p->read(p->context, b->at + (size_t)i, &file, &n);

    keep(b, i, s);
    if (s == PT_OK) s = pt_picture_decode(file, n, &b->decoded[i], NULL);
    free(file);
    if (s != PT_OK && b->status[i] == PT_OK) keep_named(b, i, s);
}

static void look(void *context, int i, int thread)
{
    block *b = context;
    pt_status s;

    if (b->status[i] != PT_OK) return;
    s = pt_augment_at(&b->model->augment, &b->decoded[i], b->view.place, b->view.mirrored,
                      b->pixels + (size_t)i * b->image_floats);
    if (s != PT_OK) keep_named(b, i, s);
}

/* Adds those of the net's output to sums. */
static void add_probabilities(block *b, int n)
{
    int c = b->model->graph->n_classes;
    const float *rows = pt_net_output(b->net, b->model->graph->logits);

    for (int i = 0; i < n; i++) {
        pt_softmax(rows + (size_t)i * (size_t)c, c, b->p);
        for (int k = 0; k < c; k++) b->sums[(size_t)i * (size_t)c + (size_t)k] += b->p[k];
    }
}

/* The block's n pictures into logits. */
static pt_status see(block *b, int n, int n_views)
{
    size_t floats = (size_t)n * (size_t)b->model->graph->n_classes;
    pt_status s = PT_OK;

    memset(b->sums, 0, floats * sizeof *b->sums);
    for (int v = 0; v < n_views && s == PT_OK; v++) {
        b->view = all_views[v];
        pt_threads_run(b->pool, n, look, b);
        s = pt_net_evaluate(b->net, n, b->pixels);
        if (s == PT_OK && n_views > 1) add_probabilities(b, n);
    }
    if (s == PT_OK && n_views == 1)
        memcpy(b->logits, pt_net_output(b->net, b->model->graph->logits),
               floats * sizeof *b->logits);
    for (size_t i = 0; i < floats && s == PT_OK && n_views > 1; i++)
        b->logits[i] = (float)log(b->sums[i] / n_views);
    return s;
}

static pt_status make_net(block *b)
{
    const pt_looking *how = b->how;
    pt_status s =
        pt_threads_create(how->threads > 0 ? how->threads : pt_cores_cpus(), &b->pool);

    if (s == PT_OK)
        s = pt_net_create(
            &(pt_net_options){.graph = b->model->graph,
                              .pool = b->pool,
                              .weights = b->model->flat,
                              .kernel = b->model->info.direct ? PT_DIRECT : PT_WINOGRAD,
                              .max_images = PT_EVAL_BLOCK,
                              .n_shards = 1,
                              .hi = 1,
                              .maps = &how->map,
                              .n_maps = how->map > 0},
            &b->net);
    if (s == PT_OK)
        pt_net_set_hooks(b->net,
                         &(pt_net_hooks){.context = how->context, .poll = how->poll});
    return s;
}

static pt_status open_block(const pt_classifier *m, const pt_pictures *p,
                            const pt_looking *how, block *b)
{
    size_t side = (size_t)m->graph->nodes[0].h, c = (size_t)m->graph->n_classes;

    *b = (block){.model = m, .pictures = p, .image_floats = side * side * 3, .how = how};
    b->decoded = pt_calloc(PT_EVAL_BLOCK, sizeof *b->decoded);
    b->pixels = pt_calloc(PT_EVAL_BLOCK * b->image_floats, sizeof *b->pixels);
    b->why = pt_calloc(PT_EVAL_BLOCK, sizeof *b->why);
    b->p = pt_calloc(c, sizeof *b->p);
    b->sums = pt_calloc(PT_EVAL_BLOCK * c, sizeof *b->sums);
    b->logits = pt_calloc(PT_EVAL_BLOCK * c, sizeof *b->logits);
    if (!b->decoded || !b->pixels || !b->why || !b->p || !b->sums || !b->logits)
        return pt_fail(PT_ERR_NOMEM, "no memory for the pictures");
    return make_net(b);
}

static void forget_pictures(block *b)
{
    for (int i = 0; i < PT_EVAL_BLOCK && b->decoded; i++) pt_image_fini(&b->decoded[i]);
}

static void close_block(block *b)
{
    forget_pictures(b);
    pt_net_destroy(&b->net);
    pt_threads_destroy(&b->pool);
    free(b->decoded);
    free(b->pixels);
    free(b->why);
    free(b->p);
    free(b->sums);
    free(b->logits);
}

/* The i-th of the block, whose status is PT_OK. */
static pt_seen seen_at(const block *b, int i)
{
    const pt_graph *g = b->model->graph;
    int map = b->how->map;
    const float *maps = map > 0 ? pt_net_output(b->net, map) : NULL;

    return (pt_seen){.logits = b->logits + (size_t)i * (size_t)g->n_classes,
                     .pixels = b->pixels + (size_t)i * b->image_floats,
                     .map =
                         maps ? maps + (size_t)i * pt_node_floats(&g->nodes[map]) : NULL};
}

pt_status pt_evaluate_pictures(const pt_classifier *m, const pt_pictures *p,
                               const pt_looking *how, pt_seen_done done, void *context)
{
    block b;
    pt_status s = open_block(m, p, how, &b);

    for (size_t at = 0; at < p->n && s == PT_OK; at += PT_EVAL_BLOCK) {
        int n = p->n - at < PT_EVAL_BLOCK ? (int)(p->n - at) : PT_EVAL_BLOCK;

        b.at = at;
        pt_threads_run(b.pool, n, decode, &b);
        s = see(&b, n, pt_views_count(how->views));
        for (int i = 0; i < n && s == PT_OK; i++) {
            bool good = b.status[i] == PT_OK ||
                        pt_fail(b.status[i], "%s", b.why[i]) == PT_OK; /* sets the text */
            pt_seen seen = seen_at(&b, i);

            s = done(context, at + (size_t)i, good ? &seen : NULL);
        }
        forget_pictures(&b);
    }
    close_block(&b);
    return s;
}

/* ---- of a data set ---------------------------------------------------------------- */

typedef struct {
    const pt_dataset *data;
    const uint32_t *images;
    float *logits;
    size_t c;
} packed;

static const char *packed_name(void *context, size_t i)
{
    const packed *k = context;

    return pt_dataset_name(k->data, k->images[i]);
}

static pt_status packed_read(void *context, size_t i, uint8_t **bytes, size_t *n)
{
    const packed *k = context;

    *n = pt_dataset_bytes(k->data, k->images[i]);
    *bytes = malloc(*n + 1);
    if (!*bytes)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its %zu bytes",
                       packed_name(context, i), *n);
    return pt_dataset_read(k->data, k->images[i], *bytes);
}

static pt_status packed_done(void *context, size_t i, const pt_seen *seen)
{
    const packed *k = context;

    if (!seen) return PT_ERR_DATA;
    memcpy(k->logits + i * k->c, seen->logits, k->c * sizeof *seen->logits);
    return PT_OK;
}

pt_status pt_evaluate_model(const pt_classifier *m, const pt_dataset *d,
                            const uint32_t *images, size_t n, const pt_looking *how,
                            float *logits)
{
    packed k = {d, images, logits, (size_t)m->graph->n_classes};
    const pt_pictures p = {n, &k, packed_name, packed_read};

    return pt_evaluate_pictures(m, &p, how, packed_done, &k);
}
