/* CutMix (Yun et al., ICCV 2019), as torchvision's reference training has it: one
 * rectangle of a step's images is that of the batch in reverse order, and what they
 * should be is mixed by its area. Its area is a share from Beta(alpha, alpha), alpha in
 * (0, 1], its middle anywhere, and what lies outside the image is cut off. */
#include <math.h> /* sqrt: exact everywhere */
#include <string.h>

#include "common/base/rng.h"
#include "worker/objective/mixing.h"

enum { OF_PLACE = 1 }; /* coordinate of PT_RNG_SHARE; elements: y, x */

typedef struct {
    int y0, x0, y1, x1; /* pixels; the last ones outside */
} rectangle;

/* Where `side` pixels are cut, around a middle drawn from element i. */
static void draw_side(const pt_rng *r, uint64_t i, int side, double half, int *from,
                      int *to)
{
    int middle = (int)pt_rng_below(r, i, (uint64_t)side), reach = (int)(half * side);

    *from = middle > reach ? middle - reach : 0;
    *to = middle + reach < side ? middle + reach : side;
}

static rectangle draw_rectangle(const pt_batch *b, double share)
{
    const pt_node *in = &b->run->graph->nodes[0];
    pt_rng r = pt_rng_stream(b->run->config->seed, PT_RNG_SHARE, b->step, OF_PLACE);
    double half = 0.5 * sqrt(1 - share);
    rectangle w;

    draw_side(&r, 0, in->h, half, &w.y0, &w.y1);
    draw_side(&r, 1, in->w, half, &w.x0, &w.x1);
    return w;
}

static void paste(const pt_node *in, const rectangle *w, const float *from, float *to)
{
    size_t n = (size_t)in->c * (size_t)(w->x1 - w->x0);

    for (int y = w->y0; y < w->y1; y++) {
        size_t at = (size_t)in->c * ((size_t)y * (size_t)in->w + (size_t)w->x0);

        memcpy(to + at, from + at, n * sizeof *to);
    }
}

/* The source gave the partners after the images. */
static const float *input(void *self, const pt_batch *b, const float *pixels)
{
    const pt_node *in = &b->run->graph->nodes[0];
    size_t each = pt_node_floats(in), n = pt_mixing_floats(b->run, b->n);
    pt_mixing *m = self;
    rectangle w;

    m->share = 1;
    if (!pt_mixing_is_turn(b, PT_METHOD_CUTMIX)) return pixels;
    w = draw_rectangle(b, pt_mixing_share(b, b->run->config->cross_entropy->cutmix));
    m->share = 1 - (double)(w.y1 - w.y0) * (w.x1 - w.x0) / ((double)in->h * in->w);
    memcpy(m->mixed, pixels, n * sizeof *pixels);
    for (size_t i = 0; i < (size_t)b->n; i++)
        paste(in, &w, pixels + n + i * each, m->mixed + i * each);
    return m->mixed;
}

const pt_worker_method pt_worker_cutmix = {.create = pt_mixing_create,
                                           .destroy = pt_mixing_destroy,
                                           .bytes = pt_mixing_bytes,
                                           .input = input,
                                           .classes = pt_mixing_classes};
