#include "worker/engine/conv/leaves.h"

#include <string.h>

#include "common/base/sizes.h"
#include "worker/engine/layers/tree_sum.h"

enum {
    KEPT_FLOATS = 2 * 1024 * 1024, /* of all shards' gradients: 8 MB */
    ITEMS = 2                      /* wanted of every thread */
};

typedef struct {
    const pt_leaves *l;
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    float *const *dw;
    float *kept;    /* [shards of the span][tiles][max_floats] */
    float *scratch; /* [threads][scratch_floats]: a leaf's, a sum, one value per level */
    size_t scratch_floats;
} pass;

/* The context of a leaf. */
typedef struct {
    const pass *p;
    int tile;
    float *scratch;
} place;

static size_t tile_floats(const pt_leaves *l)
{
    return pt_whole_lines(l->max_floats);
}

/* Floats of a gradient for each shard of the span. */
static bool fits(size_t floats, const pt_span *span)
{
    return (size_t)(span->hi - span->lo) * floats <= KEPT_FLOATS;
}

static bool keeps(const pt_leaves *l, const pt_span *span, int n_threads)
{
    return n_threads > 1 && l->n_tiles < ITEMS * n_threads &&
           fits((size_t)l->n_tiles * tile_floats(l), span);
}

int pt_leaves_tiles(size_t floats, const pt_span *span, int n_threads)
{
    int wanted = ITEMS * n_threads, shards = span->hi - span->lo;

    if (n_threads == 1) return 1;
    return fits(floats, span) ? (wanted + shards - 1) / shards : wanted;
}

static float *kept_of(const pass *p, int shard, int tile)
{
    size_t index = (size_t)(shard - p->span->lo) * (size_t)p->l->n_tiles + (size_t)tile;

    return p->kept + index * tile_floats(p->l);
}

static void compute_leaf(void *context, int shard, float *out)
{
    const place *t = context;
    size_t begin, end;

    pt_shard_images(t->p->span, shard, &begin, &end);
    t->p->l->leaf(t->p->l->layer, t->tile, begin, end, t->scratch, out);
}

static void kept_leaf(void *context, int shard, float *out)
{
    const place *t = context;

    memcpy(out, kept_of(t->p, shard, t->tile),
           t->p->l->floats(t->p->l->layer, t->tile) * sizeof *out);
}

/* An item is a tile of one shard. */
static void kept_item(void *context, int item, int thread)
{
    const pass *p = context;
    int shard = p->span->lo + item / p->l->n_tiles;
    place t = {p, item % p->l->n_tiles, p->scratch + (size_t)thread * p->scratch_floats};

    if (pt_shard_size(p->span, shard) > 0)
        compute_leaf(&t, shard, kept_of(p, shard, t.tile));
}

/* An item is a tile: its leaves and its trees. */
static void tile_item(void *context, int item, int thread)
{
    const pass *p = context;
    place t = {p, item, p->scratch + (size_t)thread * p->scratch_floats};
    size_t n = p->l->floats(p->l->layer, item);
    float *sum = t.scratch + p->l->leaf_scratch;

    for (int i = 0; i < p->n_trees; i++) {
        if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[i], n, p->kept ? kept_leaf : compute_leaf, &t, sum,
                    sum + n);
        p->l->put(p->l->layer, item, sum, p->dw[i]);
    }
}

static size_t thread_floats(const pt_leaves *l, int n_shards)
{
    return l->leaf_scratch +
           pt_whole_lines(l->max_floats * (size_t)(1 + pt_tree_levels(n_shards)));
}

void pt_leaves_run(pt_threads *pool, const pt_leaves *l, const pt_span *span,
                   float *const *dw, float *scratch)
{
    int threads = pt_threads_count(pool), n_shards = span->hi - span->lo;
    pass p = {.l = l,
              .span = span,
              .dw = dw,
              .scratch = scratch,
              .scratch_floats = thread_floats(l, span->n_shards)};

    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    if (keeps(l, span, threads)) {
        p.kept = scratch + (size_t)threads * p.scratch_floats;
        pt_threads_run(pool, n_shards * l->n_tiles, kept_item, &p);
    }
    pt_threads_run(pool, l->n_tiles, tile_item, &p);
}

size_t pt_leaves_scratch(const pt_leaves *l, const pt_span *span, int n_threads)
{
    size_t n = (size_t)n_threads * thread_floats(l, span->n_shards);

    if (keeps(l, span, n_threads))
        n += (size_t)(span->hi - span->lo) * (size_t)l->n_tiles * tile_floats(l);
    return n;
}
