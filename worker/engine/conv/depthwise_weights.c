/* Gradients of a depthwise convolution's weights and bias. An item is a group of
 * channels: its taps and, as one more tap, its bias. */
#include "common/base/sizes.h"
#include "common/gemm/lanes.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/layers/tree_sum.h"

typedef struct {
    pt_conv_shape s;
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    const float *x, *dy;
    float *const *dw, *const *db;
    float *scratch;
    size_t scratch_floats;
} pass;

typedef struct {
    const pass *p;
    size_t c, n;       /* channels c..c+n-1 */
    pt_lanes_f64 *sum; /* [taps + 1] */
} group;

static size_t taps_of(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw;
}

/* Sum of x * dy over n pixels that lie x_step and dy_step apart: four chains. */
PT_INLINE pt_lanes dot(const float *x, size_t x_step, const float *dy, size_t dy_step,
                       int n_pixels, size_t n)
{
    pt_lanes sum[4] = {{0}};
    int i = 0;

    for (; i + 4 <= n_pixels; i += 4) {
        for (int j = 0; j < 4; j++, x += x_step, dy += dy_step) {
            sum[j] += pt_load(x, n) * pt_load(dy, n);
        }
    }
    for (; i < n_pixels; i++, x += x_step, dy += dy_step) {
        sum[0] += pt_load(x, n) * pt_load(dy, n);
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* One output row of one image: float along the row, double over rows. */
PT_INLINE void add_row(const group *g, const float *x, const float *dy, int oy, size_t n)
{
    const pt_conv_shape *s = &g->p->s;
    size_t channels = (size_t)s->c_in, stride = (size_t)s->stride;
    int y0 = oy * s->stride - s->pad_top;

    for (int ki = pt_max_int(0, -y0); ki < pt_min_int(s->kh, s->h - y0); ki++) {
        const float *row = x + (size_t)(y0 + ki) * (size_t)s->w * channels;

        for (int kj = 0; kj < s->kw; kj++) {
            int x0 = kj - s->pad_left; /* column for output 0 */
            int first = x0 < 0 ? (s->stride - 1 - x0) / s->stride : 0;
            int end = s->w > x0 ? (s->w - 1 - x0) / s->stride + 1 : 0;

            end = pt_min_int(end, s->out_w);
            if (first >= end) continue;
            pt_lanes v =
                dot(row + (size_t)(first * s->stride + x0) * channels, stride * channels,
                    dy + (size_t)first * channels, channels, end - first, n);
            g->sum[ki * s->kw + kj] += __builtin_convertvector(v, pt_lanes_f64);
        }
    }
    for (int ox = 0; g->p->db && ox < s->out_w; ox++) {
        g->sum[taps_of(s)] +=
            __builtin_convertvector(pt_load(dy + (size_t)ox * channels, n), pt_lanes_f64);
    }
}

PT_CLONES static void add_image(const group *g, size_t image)
{
    const pt_conv_shape *s = &g->p->s;
    size_t channels = (size_t)s->c_in, row = (size_t)s->out_w * channels;
    const float *x = g->p->x + image * (size_t)s->h * (size_t)s->w * channels + g->c;
    const float *dy = g->p->dy + image * (size_t)s->out_h * row + g->c;

    for (int oy = 0; oy < s->out_h; oy++, dy += row) {
        if (g->n == PT_LANES) {
            add_row(g, x, dy, oy, PT_LANES);
        } else {
            add_row(g, x, dy, oy, g->n);
        }
    }
}

/* out [taps + 1][PT_LANES]. */
static void leaf(void *context, int shard, float *out)
{
    const group *g = context;
    const pt_span *span = g->p->span;
    int first = pt_span_first(span);
    int begin = pt_shard_begin(shard, span->n_shards, span->b) - first;
    int end = pt_shard_begin(shard + 1, span->n_shards, span->b) - first;
    size_t n = taps_of(&g->p->s) + 1;

    memset(g->sum, 0, n * sizeof *g->sum);
    for (int i = begin; i < end; i++) add_image(g, (size_t)i);
    for (size_t i = 0; i < n; i++) {
        pt_lanes v = __builtin_convertvector(g->sum[i], pt_lanes);

        memcpy(out + i * PT_LANES, &v, sizeof v);
    }
}

static void group_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t channels = (size_t)p->s.c_in, taps = taps_of(&p->s);
    size_t floats = (taps + 1) * PT_LANES;
    float *scratch = p->scratch + (size_t)thread * p->scratch_floats;
    group g = {.p = p, .c = (size_t)item * PT_LANES, .sum = (pt_lanes_f64 *)scratch};
    float *out = scratch + 2 * floats;

    g.n = channels - g.c < PT_LANES ? channels - g.c : PT_LANES;
    for (int t = 0; t < p->n_trees; t++) {
        if (pt_node_size(p->span, p->trees[t].level, p->trees[t].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[t], floats, leaf, &g, out, out + floats);
        for (size_t i = 0; i < taps; i++) {
            memcpy(p->dw[t] + i * channels + g.c, out + i * PT_LANES, g.n * sizeof *out);
        }
        if (p->db) memcpy(p->db[t] + g.c, out + taps * PT_LANES, g.n * sizeof *out);
    }
}

size_t pt_depthwise_scratch(const pt_conv_shape *s, int n_shards)
{
    /* sums in double, the result, one value per level */
    return (taps_of(s) + 1) * PT_LANES * (3 + (size_t)pt_tree_levels(n_shards));
}

void pt_depthwise_backward_weights(pt_threads *pool, const pt_conv_shape *s,
                                   const pt_span *span, const float *x, const float *dy,
                                   float *const *dw, float *const *db, float *scratch)
{
    pass p = {.s = *s,
              .span = span,
              .x = x,
              .dy = dy,
              .dw = dw,
              .db = db,
              .scratch = scratch,
              .scratch_floats = pt_depthwise_scratch(s, span->n_shards)};

    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    pt_threads_run(pool, (s->c_in + PT_LANES - 1) / PT_LANES, group_item, &p);
}
