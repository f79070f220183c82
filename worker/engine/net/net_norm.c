/* Batch norm nodes, over the shards of all workers. Forward, in training:
 *
 *     n->leaves   one value a group (a shard with images): n, mean and M2 in double
 *     o->moments  finish_own(): leaves merged along the tree, a value for each of this
 *                 worker's cover sub-trees that has images
 *     total       the exchange hooks: their tree over all V shards
 *     o->coef     what x is multiplied by and what is added
 *
 * Backward the same with the sums of dy and dy * xhat, for the data pass. The gradients
 * of gamma and beta leave as floats by sub-tree, rounded to bfloat16 where span.bf16,
 * like all other gradients.
 *
 * What must hold: the total is that of the same tree from the same leaves, so all workers
 * have the same coefficients, bit for bit, however the shards are divided among them;
 * sub-trees without images have the value NULL, never zeros. The mode `shard` stops
 * after the leaves (a set of coefficients a group), `frozen` and evaluation take running
 * statistics and sum nothing. */
#include <string.h>

#include "common/base/bf16.h"
#include "common/base/rng.h"
#include "common/run/moments.h"
#include "worker/engine/layers/batch_norm.h"
#include "worker/engine/net/net.h"
#include "worker/engine/net/net_internal.h"

/* What is summed along the tree. */
typedef struct {
    size_t len; /* of one value, in its own units: the context of add */
    size_t bytes;
    pt_tree_add add;
} kind;

static void merge_moments(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, (*(const size_t *)context - 1) / 2);
}

static void add_doubles(void *context, void *into, const void *from)
{
    size_t len = *(const size_t *)context;
    double *a = into;
    const double *b = from;

    for (size_t i = 0; i < len; i++) a[i] += b[i];
}

static void add_floats(void *context, void *into, const void *from)
{
    size_t len = *(const size_t *)context;
    float *a = into;
    const float *b = from;

    for (size_t i = 0; i < len; i++) a[i] += b[i];
}

static void add_bf16(void *context, void *into, const void *from)
{
    pt_bf16_add(into, from, *(const size_t *)context);
}

/* The value of a sub-tree from the leaves of this worker's groups, [n_groups] values of
 * k->bytes; the leaves are overwritten. NULL if it has no images. */
static void *finish_subtree(pt_net *n, kind *k, pt_subtree t, void *leaves)
{
    pt_subtree parts[PT_MAX_SHARDS];
    void *values[PT_MAX_SHARDS];
    int first = t.index << t.level, n_parts = 1 << t.level, g = 0;

    while (g < n->n_groups && n->group_shard[g] < first) g++;
    for (int i = 0; i < n_parts; i++) {
        bool there = g < n->n_groups && n->group_shard[g] == first + i;

        parts[i] = (pt_subtree){0, i};
        values[i] = there ? (char *)leaves + (size_t)g++ * k->bytes : NULL;
    }
    return pt_tree_finish(n_parts, parts, values, n_parts, k->add, &k->len);
}

/* The values of this worker's sub-trees that have images, one after another; returns how
 * many. */
static int finish_own(pt_net *n, kind *k, void *leaves, void *parts)
{
    int count = 0;

    for (int t = 0; t < n->plan.n_cover; t++) {
        const void *v = finish_subtree(n, k, n->plan.cover[t], leaves);

        if (v) memcpy((char *)parts + (size_t)count++ * k->bytes, v, k->bytes);
    }
    return count;
}

/* The value of all shards of all workers, from this worker's parts: begins ... */
static pt_status begin_exchange(pt_net *n, int node, bool backward, const kind *k,
                                const double *parts)
{
    if (n->hooks.exchange_begin)
        return n->hooks.exchange_begin(n->hooks.context, node, backward, parts, k->len,
                                       k->add);
    if (n->span.hi - n->span.lo == n->span.n_shards) return PT_OK;
    return pt_fail(
        PT_ERR_BUG, "%s: shards %d to %d of %d and no exchange with the others",
        n->opt.graph->nodes[node].name, n->span.lo, n->span.hi, n->span.n_shards);
}

/* ... and ends. Alone, a worker's parts are the value. */
static pt_status end_exchange(pt_net *n, const double *parts, const double **total)
{
    *total = parts;
    return n->hooks.exchange_end ? n->hooks.exchange_end(n->hooks.context, total) : PT_OK;
}

static pt_bn_shape shape_of(const pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    bool per_shard = n->plan.nodes[i].batch_stats && n->opt.bn_mode == PT_BN_SHARD;

    return (pt_bn_shape){.channels = node->c,
                         .pixels = (size_t)node->h * (size_t)node->w,
                         .n_images = n->n_images,
                         .n_groups = n->n_groups,
                         .group_begin = n->group_begin,
                         .set = per_shard ? n->group_of : NULL};
}

/* bn_moving: which channels of node i take the running statistics in this step. Streams
 * are numbered without a side branch. */
static bool is_moving(const pt_net *n, const pt_rng *r, int channel)
{
    return (double)pt_rng_uniform_f32(r, (uint64_t)channel) < n->opt.bn_moving;
}

static pt_rng moving_stream(const pt_net *n, int i)
{
    return pt_rng_stream(n->opt.seed, PT_RNG_MOVING, n->step,
                         (uint64_t)n->plan.nodes[i].dropout_id);
}

static int sets_of(const pt_net *n)
{
    return n->opt.bn_mode == PT_BN_SHARD ? n->n_groups : 1;
}

/* Coefficients of these channels from the running statistics instead of the batch's. */
static void take_running(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_rng r = moving_stream(n, i);
    size_t c = (size_t)node->c;

    for (int k = 0; k < node->c && n->opt.bn_moving > 0; k++) {
        float one[4];

        if (!is_moving(n, &r, k)) continue;
        pt_bn_coef_of_running(pt_net_tensor(n, node->mean) + k,
                              pt_net_tensor(n, node->var) + k, 1, node->eps,
                              pt_net_tensor(n, node->weight) + k,
                              pt_net_tensor(n, node->bias) + k, one);
        for (int s = 0; s < sets_of(n); s++)
            for (size_t j = 0; j < 4; j++)
                n->plan.nodes[i].coef[((size_t)s * 4 + j) * c + (size_t)k] = one[j];
    }
}

/* Their gradients do not flow through the batch's statistics either. */
static void drop_means(pt_net *n, int i)
{
    size_t c = (size_t)n->opt.graph->nodes[i].c;
    pt_rng r = moving_stream(n, i);

    for (size_t k = 0; k < c && n->opt.bn_moving > 0; k++)
        for (int s = 0; s < sets_of(n) && is_moving(n, &r, (int)k); s++)
            n->means[(size_t)s * 2 * c + k] = n->means[((size_t)s * 2 + 1) * c + k] = 0;
}

/* ---- forward ---------------------------------------------------------------------- */

/* Coefficients from the batch; the moments of the sub-trees stay with the node. */
static pt_status batch_coef(pt_net *n, int i, const pt_bn_shape *s)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const float *gamma = pt_net_tensor(n, node->weight);
    const float *beta = pt_net_tensor(n, node->bias);
    pt_net_node *o = &n->plan.nodes[i];
    size_t len = pt_moments_len((size_t)node->c);
    kind k = {len, len * sizeof(double), merge_moments};
    const double *total = NULL;

    pt_bn_moments(n->opt.pool, s, pt_net_y(n, node->in[0]), n->leaves);
    if (n->opt.bn_mode == PT_BN_SHARD) {
        for (int g = 0; g < n->n_groups; g++)
            pt_bn_coef_of_moments(n->leaves + (size_t)g * len, node->c, node->eps, gamma,
                                  beta, o->coef + (size_t)g * pt_bn_coef_len(node->c));
        finish_own(n, &k, n->leaves, o->moments);
        return PT_OK;
    }
    finish_own(n, &k, n->leaves, o->moments);
    pt_status status = begin_exchange(n, i, false, &k, o->moments);
    if (status == PT_OK) status = end_exchange(n, o->moments, &total);
    if (status != PT_OK) return status;
    if (total[0] != (double)n->span.b * (double)s->pixels)
        return pt_fail(PT_ERR_BUG, "%s: statistics of %.0f pixels, the batch has %.0f",
                       node->name, total[0], (double)n->span.b * (double)s->pixels);
    pt_bn_coef_of_moments(total, node->c, node->eps, gamma, beta, o->coef);
    return PT_OK;
}

/* Writes the output, including that of an addition fused into the node. */
static void normalise(pt_net *n, int i, const pt_bn_shape *s)
{
    const pt_net_node *o = &n->plan.nodes[i],
                      *to = o->sum < 0 ? o : &n->plan.nodes[o->sum];
    const int *in = n->opt.graph->nodes[i].in, *added;
    pt_values plus = {0};

    if (o->sum >= 0) {
        added = n->opt.graph->nodes[o->sum].in;
        plus = pt_net_y(n, added[0] == i ? added[1] : added[0]);
    }
    pt_bn_normalise(n->opt.pool, s, o->coef, to->act, pt_net_y(n, in[0]), plus, to->y);
}

pt_status pt_net_norm_forward(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_net_node *o = &n->plan.nodes[i];
    pt_status status = PT_OK;

    o->batch_stats = pt_net_training_pass(n) && n->opt.bn_mode != PT_BN_FROZEN &&
                     pt_net_is_trained(n, node->weight);
    pt_bn_shape s = shape_of(n, i);

    if (o->batch_stats) {
        status = batch_coef(n, i, &s);
        if (status == PT_OK) take_running(n, i);
    } else {
        pt_bn_coef_of_running(pt_net_tensor(n, node->mean), pt_net_tensor(n, node->var),
                              node->c, node->eps, pt_net_tensor(n, node->weight),
                              pt_net_tensor(n, node->bias), o->coef);
    }
    if (status == PT_OK) normalise(n, i, &s);
    return status;
}

/* ---- backward --------------------------------------------------------------------- */

/* The gradients of gamma and beta: floats from the leaves on, like all gradients. */
static void parameter_gradients(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    size_t c = (size_t)node->c;
    kind k = {2 * c, 2 * c * sizeof(float), n->span.bf16 ? add_bf16 : add_floats};
    size_t all = (size_t)n->n_groups * 2 * c;

    for (size_t j = 0; j < all; j++) n->float_leaves[j] = (float)n->leaves[j];
    if (n->span.bf16) pt_bf16_round(n->float_leaves, all);
    for (int t = 0; t < n->plan.n_cover; t++) {
        const float *v = finish_subtree(n, &k, n->plan.cover[t], n->float_leaves);

        if (!v) continue;
        memcpy(pt_net_gradient(n, node->bias, t), v, c * sizeof *v);
        memcpy(pt_net_gradient(n, node->weight, t), v + c, c * sizeof *v);
    }
}

static void divide(const double *sums, size_t n, double by, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)(sums[i] / by);
}

/* Does node i send sums to the other workers in the backward pass? */
static bool sends_sums(const pt_net *n, int i, bool want_dx)
{
    return want_dx && n->plan.nodes[i].batch_stats && n->opt.bn_mode == PT_BN_SYNC;
}

/* The sums divided by the count, for the data pass: per shard or of the whole batch. */
static pt_status means_of(pt_net *n, int i, const pt_bn_shape *s)
{
    size_t len = 2 * (size_t)s->channels;
    double pixels = (double)s->pixels;
    const double *total = NULL;
    pt_status status;

    if (n->opt.bn_mode == PT_BN_SHARD) {
        for (int g = 0; g < n->n_groups; g++) {
            int images = n->group_begin[g + 1] - n->group_begin[g];

            divide(n->leaves + (size_t)g * len, len, (double)images * pixels,
                   n->means + (size_t)g * len);
        }
        return PT_OK;
    }
    status = end_exchange(n, n->parts, &total);
    if (status == PT_OK) divide(total, len, (double)n->span.b * pixels, n->means);
    return status;
}

pt_status pt_net_norm_backward_begin(pt_net *n, int i, bool want_dx)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_net_node *o = &n->plan.nodes[i];
    pt_bn_shape s = shape_of(n, i);
    size_t len = 2 * (size_t)s.channels;
    kind k = {len, len * sizeof(double), add_doubles};
    bool trains = pt_net_is_trained(n, node->weight) || pt_net_is_trained(n, node->bias);

    if (trains || (want_dx && o->batch_stats))
        pt_bn_backward_sums(n->opt.pool, &s, o->coef, o->act, pt_net_y(n, node->in[0]),
                            o->dy, n->leaves);
    if (trains) parameter_gradients(n, i);
    if (!sends_sums(n, i, want_dx)) return PT_OK;
    finish_own(n, &k, n->leaves, n->parts);
    return begin_exchange(n, i, true, &k, n->parts);
}

pt_status pt_net_norm_backward_end(pt_net *n, int i, bool want_dx)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_net_node *o = &n->plan.nodes[i];
    pt_bn_shape s = shape_of(n, i);
    pt_status status = PT_OK;

    if (!want_dx) return PT_OK;
    if (o->batch_stats) status = means_of(n, i, &s);
    if (o->batch_stats && status == PT_OK) drop_means(n, i);
    if (status == PT_OK)
        pt_bn_backward_data(n->opt.pool, &s, o->coef, o->batch_stats ? n->means : NULL,
                            o->act, pt_net_y(n, node->in[0]), o->dy,
                            !pt_net_writes_first(n, i, 0), n->plan.nodes[node->in[0]].dy);
    return status;
}
