#include "common/run/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"

enum { DEFAULT_EPOCHS = 10 };

void pt_plan_destroy(pt_plan **p)
{
    if (!p || !*p) return;
    free((*p)->images);
    free((*p)->stages);
    free((*p)->order);
    pt_balance_destroy(&(*p)->balance);
    free((*p)->source);
    free((*p)->source_order);
    free((*p)->pair_begin);
    free(*p);
    *p = NULL;
}

pt_status pt_plan_select(const char *split, uint32_t per_class,
                         const pt_held_out *held_out, const pt_dataset *d,
                         uint32_t **images, size_t *n)
{
    int n_classes = pt_dataset_classes(d);
    uint32_t limit = per_class, *seen, *taken;
    const uint32_t *all;
    size_t n_all, n_taken = 0;
    pt_status bad = pt_dataset_split(d, split, &all, &n_all);

    *images = NULL;
    if (bad != PT_OK) return bad;
    taken = pt_calloc(n_all, sizeof *taken);
    seen = pt_calloc((size_t)n_classes, sizeof *seen);
    if (!taken || !seen) bad = pt_fail(PT_ERR_NOMEM, "no memory for %zu images", n_all);
    for (size_t i = 0; i < n_all && bad == PT_OK; i++)
        if (!pt_held_out_has(held_out, all[i]) &&
            (seen[pt_dataset_label(d, all[i])]++ < limit || limit == 0))
            taken[n_taken++] = all[i];
    for (int k = 0; k < n_classes && limit > 0 && seen; k++)
        if (seen[k] < limit)
            pt_fail_more(&bad, PT_ERR_DATA,
                         "class %s has %u images in split %s%s, per_class is %u",
                         pt_dataset_class_name(d, k), seen[k], split,
                         held_out && held_out->n ? " that are not held out" : "", limit);
    if (bad == PT_OK && n_taken == 0)
        bad = pt_fail(PT_ERR_DATA, "split %s has no images", split);
    if (bad == PT_OK) {
        *images = taken;
        *n = n_taken;
        taken = NULL;
    }
    free(seen);
    free(taken);
    return bad;
}

static pt_status make_stages(pt_plan *p, const pt_config *c)
{
    size_t n = c->n_stages ? c->n_stages : 1;

    p->stages = pt_calloc(n, sizeof *p->stages);
    if (!p->stages) return pt_fail(PT_ERR_NOMEM, "no memory for %zu stages", n);
    p->n_stages = n;
    for (size_t i = 0; i < n; i++) {
        double epochs = c->n_stages && c->stages[i]->has_epochs ? c->stages[i]->epochs
                                                                : DEFAULT_EPOCHS;
        uint64_t steps = c->n_stages && c->stages[i]->has_steps
                             ? c->stages[i]->steps
                             : (uint64_t)llround(epochs * (double)p->steps_per_epoch);

        p->stages[i].first = p->total_steps;
        p->total_steps += steps > 0 ? steps : 1;
        p->stages[i].end = p->total_steps;
    }
    return PT_OK;
}

pt_status pt_plan_create(const pt_config *c, uint32_t *images, size_t n, pt_plan **out)
{
    pt_plan *p = pt_calloc(1, sizeof *p);
    size_t b = c->data->batch;
    pt_status s;

    *out = NULL;
    if (!p) {
        free(images);
        return pt_fail(PT_ERR_NOMEM, "no memory for the plan");
    }
    p->images = images;
    p->n_images = n;
    p->order = pt_calloc(n, sizeof *p->order);
    p->seed = c->seed;
    p->batch = p->targets = (int)b;
    p->n_shards = (int)c->shards;
    p->order_epoch = UINT64_MAX;
    p->steps_per_epoch = (n + b - 1) / b;
    s = p->order ? make_stages(p, c) : pt_fail(PT_ERR_NOMEM, "no memory for the plan");
    if (s == PT_OK) {
        *out = p;
        p = NULL;
    }
    pt_plan_destroy(&p);
    return s;
}

pt_status pt_plan_add_labels(pt_plan *p, const pt_config *c, const int32_t *labels,
                             int n_classes)
{
    if (c->data->sampling != PT__CONFIG__DATA__SAMPLING__BALANCED) return PT_OK;
    return pt_balance_create(labels, p->n_images, n_classes, &p->balance);
}

pt_status pt_plan_add_source(pt_plan *p, uint32_t *images, size_t n)
{
    p->source = images;
    p->n_source = n;
    p->source_order = pt_calloc(n, sizeof *p->source_order);
    p->source_epoch = UINT64_MAX;
    p->batch = 2 * p->targets;
    return p->source_order ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the plan");
}

/* Which of the pairs is of target image `image`; pairs->n: none. at: where it is likely.
 */
static size_t find_pair(const pt_pairs *pairs, uint32_t image, size_t at)
{
    for (size_t i = 0; i < pairs->n; i++) {
        size_t k = (at + i) % pairs->n;

        if (pairs->target[k] == image) return k;
    }
    return pairs->n;
}

pt_status pt_plan_add_pairs(pt_plan *p, const pt_pairs *pairs, uint32_t before)
{
    size_t n = (size_t)pairs->begin[pairs->n], k = 0;
    uint32_t *images = pt_calloc(n, sizeof *images);

    p->pair_begin = pt_calloc(2 * p->n_images, sizeof *p->pair_begin);
    if (!images || !p->pair_begin) {
        free(images);
        return pt_fail(PT_ERR_NOMEM, "no memory for %zu pairs of images", n);
    }
    for (size_t i = 0; i < n; i++) images[i] = before + pairs->image[i];
    for (size_t i = 0; i < p->n_images; i++, k++) {
        k = find_pair(pairs, p->images[i], k);
        if (k == pairs->n) {
            free(images);
            return pt_fail(PT_ERR_DATA,
                           "training image %u has no neighbours in the source file: use "
                           "the images that `ptrain borrow` used (data.train_split, "
                           "data.per_class)",
                           p->images[i]);
        }
        p->pair_begin[2 * i] = pairs->begin[k];
        p->pair_begin[2 * i + 1] = pairs->begin[k + 1];
    }
    return pt_plan_add_source(p, images, n);
}

int pt_plan_batch_size(const pt_plan *p, uint64_t step)
{
    size_t first = step % p->steps_per_epoch * (size_t)p->targets;
    size_t left = p->n_images - first;
    int n = left < (size_t)p->targets ? (int)left : p->targets;

    return p->source ? 2 * n : n;
}

uint64_t pt_plan_epoch(const pt_plan *p, uint64_t step)
{
    return step / p->steps_per_epoch;
}

uint64_t pt_plan_view(const pt_plan *p, uint64_t step)
{
    return p->balance ? step : pt_plan_epoch(p, step);
}

double pt_plan_progress(const pt_plan *p, uint64_t step)
{
    return (double)step / (double)p->steps_per_epoch;
}

/* The permutation of a pass, kept until another is asked for; b: which of the plan's. */
static void reorder(const pt_plan *p, uint64_t epoch, uint64_t b, size_t n,
                    uint64_t *current, uint32_t *order)
{
    pt_rng r = pt_rng_stream(p->seed, PT_RNG_ORDER, epoch, b);

    if (*current == epoch) return;
    pt_rng_permutation(&r, order, n);
    *current = epoch;
}

static void reorder_targets(pt_plan *p, uint64_t epoch)
{
    if (!p->balance) {
        reorder(p, epoch, 0, p->n_images, &p->order_epoch, p->order);
        return;
    }
    if (p->order_epoch == epoch) return;
    pt_balance_order(p->balance, p->seed, epoch, p->order);
    p->order_epoch = epoch;
}

void pt_plan_places(pt_plan *p, uint64_t step, int first, int n, uint32_t *out)
{
    uint64_t epoch = pt_plan_epoch(p, step);
    size_t at = step % p->steps_per_epoch * (size_t)p->targets + (size_t)first;

    reorder_targets(p, epoch);
    memcpy(out, p->order + at, (size_t)n * sizeof *out);
}

/* The k-th source image since the run began. */
static uint32_t source_image(pt_plan *p, uint64_t k)
{
    reorder(p, k / p->n_source, 1, p->n_source, &p->source_epoch, p->source_order);
    return p->source[p->source_order[k % p->n_source]];
}

/* One of those that go with the training image at `place`. */
static uint32_t pair_of(const pt_plan *p, uint64_t epoch, uint32_t place)
{
    const uint64_t *of = p->pair_begin + 2 * (size_t)place;
    pt_rng r = pt_rng_stream(p->seed, PT_RNG_PAIR, epoch, place);
    double u = pt_rng_uniform_f64(&r, 0);

    return p->source[of[0] + (uint64_t)(u * (double)(of[1] - of[0]))];
}

void pt_plan_images(pt_plan *p, uint64_t step, int first, int n, uint32_t *out)
{
    uint64_t before = pt_plan_epoch(p, step) * p->n_images +
                      step % p->steps_per_epoch * (size_t)p->targets;

    for (int i = 0; i < n; i++) {
        int position = first + i, pair = p->source ? position / 2 : position;

        bool second = p->source && position % 2 == 1;
        uint32_t place;

        pt_plan_places(p, step, pair, 1, &place);
        if (!second)
            out[i] = p->images[place];
        else if (p->pair_begin)
            out[i] = pair_of(p, pt_plan_epoch(p, step), place);
        else
            out[i] = source_image(p, before + (uint64_t)pair);
    }
}

int pt_plan_span_images(pt_plan *p, uint64_t step, const pt_span *span, bool mirrored,
                        uint32_t *out)
{
    int first = pt_span_first(span), n = pt_span_images(span);

    pt_plan_images(p, step, first, n, out);
    if (!mirrored) return n;
    for (int i = 0; i < n; i++)
        pt_plan_images(p, step, span->b - 1 - first - i, 1, out + n + i);
    return 2 * n;
}

size_t pt_plan_stage_of(const pt_plan *p, uint64_t step)
{
    size_t i = 0;

    while (i + 1 < p->n_stages && step >= p->stages[i].end) i++;
    return i;
}

pt_span pt_plan_span(const pt_plan *p, uint64_t step, int lo, int hi)
{
    return (pt_span){
        .n_shards = p->n_shards, .lo = lo, .hi = hi, .b = pt_plan_batch_size(p, step)};
}
