#include "common/run/held_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"

void pt_held_out_fini(pt_held_out *h)
{
    free(h->images);
    free(h->has);
    *h = (pt_held_out){0};
}

bool pt_held_out_has(const pt_held_out *h, size_t image)
{
    return h && image < h->n_all && h->has[image];
}

static pt_status make(const pt_dataset *d, size_t max, pt_held_out *out)
{
    out->n_all = pt_dataset_images(d);
    out->images = pt_calloc(max, sizeof *out->images);
    out->has = pt_calloc(out->n_all, sizeof *out->has);
    return out->images && out->has
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for %zu validation images", max);
}

/* ---- a split ---------------------------------------------------------------------- */

/* None of them may be in the split `other`. */
static pt_status keep_apart(const pt_held_out *h, const char *split, const char *other,
                            const char *key, const pt_dataset *d)
{
    const uint32_t *images;
    size_t n, both = 0;
    pt_status s = pt_dataset_split(d, other, &images, &n);

    if (s != PT_OK) return s;
    for (size_t i = 0; i < n; i++) both += pt_held_out_has(h, images[i]);
    return both == 0
               ? PT_OK
               : pt_fail(PT_ERR_DATA,
                         "data.validation_split: %zu of the %zu images of split %s are "
                         "also in split %s (%s)",
                         both, h->n, split, other, key);
}

static pt_status take_split(const Pt__Config__Data *c, const pt_dataset *d,
                            pt_held_out *out)
{
    const uint32_t *images;
    size_t n;
    pt_status s = pt_dataset_split(d, c->validation_split, &images, &n);

    if (s == PT_OK) s = make(d, n, out);
    if (s != PT_OK) return s;
    for (size_t i = 0; i < n; i++) {
        out->images[out->n++] = images[i];
        out->has[images[i]] = true;
    }
    s = keep_apart(out, c->validation_split, c->train_split, "data.train_split", d);
    if (s != PT_OK) return s;
    return keep_apart(out, c->validation_split, c->test_split, "data.test_split", d);
}

/* ---- a share ---------------------------------------------------------------------- */

/* How many of a class of n images. */
static size_t part_of(double share, size_t n)
{
    size_t part = (size_t)floor(share * (double)n + 0.5);

    if (part == 0) return 1;
    return part < n ? part : n - 1;
}

/* Marks those of class k, which has the n images of `own`; order [n]: scratch. */
static void draw(const Pt__Config__Data *c, int k, const uint32_t *own, size_t n,
                 uint32_t *order, pt_held_out *out)
{
    pt_rng r = pt_rng_stream(c->validation_seed, PT_RNG_HELD_OUT, (uint64_t)k, 0);
    size_t part = part_of(c->validation_share, n);

    pt_rng_permutation(&r, order, n);
    for (size_t i = 0; i < part; i++) out->has[own[order[i]]] = true;
}

/* The images [n] by classes, in split order within each; begin [classes + 1]: zeros, then
 * where each class begins. */
static void sort(const pt_dataset *d, const uint32_t *images, size_t n, size_t *begin,
                 uint32_t *sorted)
{
    int classes = pt_dataset_classes(d);

    for (size_t i = 0; i < n; i++) begin[pt_dataset_label(d, images[i]) + 1]++;
    for (int k = 0; k < classes; k++) begin[k + 1] += begin[k];
    for (size_t i = 0; i < n; i++)
        sorted[begin[pt_dataset_label(d, images[i])]++] = images[i];
    memmove(begin + 1, begin, (size_t)classes * sizeof *begin);
    begin[0] = 0;
}

static pt_status draw_all(const Pt__Config__Data *c, const pt_dataset *d,
                          const uint32_t *sorted, const size_t *begin, uint32_t *order,
                          pt_held_out *out)
{
    pt_status s = PT_OK;

    for (int k = 0; k < pt_dataset_classes(d); k++) {
        size_t n = begin[k + 1] - begin[k];

        if (n == 1)
            pt_fail_more(&s, PT_ERR_DATA,
                         "class %s has 1 image in split %s: none can be held out "
                         "(data.validation_share)",
                         pt_dataset_class_name(d, k), c->train_split);
        if (n > 1) draw(c, k, sorted + begin[k], n, order, out);
    }
    return s;
}

static pt_status take_share(const Pt__Config__Data *c, const pt_dataset *d,
                            pt_held_out *out)
{
    const uint32_t *images;
    uint32_t *sorted = NULL, *order = NULL;
    size_t n, *begin = NULL;
    pt_status s = pt_dataset_split(d, c->train_split, &images, &n);

    if (s == PT_OK) s = make(d, n, out);
    if (s != PT_OK) return s;
    sorted = pt_calloc(n, sizeof *sorted);
    order = pt_calloc(n, sizeof *order);
    begin = pt_calloc((size_t)pt_dataset_classes(d) + 1, sizeof *begin);
    if (!sorted || !order || !begin)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %zu images", n);
    if (s == PT_OK) {
        sort(d, images, n, begin, sorted);
        s = draw_all(c, d, sorted, begin, order, out);
    }
    for (size_t i = 0; i < n && s == PT_OK; i++)
        if (out->has[images[i]]) out->images[out->n++] = images[i];
    free(sorted);
    free(order);
    free(begin);
    return s;
}

pt_status pt_held_out_init(const Pt__Config__Data *c, const pt_dataset *d,
                           pt_held_out *out)
{
    pt_status s = PT_OK;

    *out = (pt_held_out){0};
    if (c->validation_split)
        s = take_split(c, d, out);
    else if (c->validation_share > 0)
        s = take_share(c, d, out);
    if (s != PT_OK) pt_held_out_fini(out);
    return s;
}
