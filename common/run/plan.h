/* Which images are the batch of which step: a pure function of the configuration and the
 * training split; every rank computes the same. */
#ifndef PT_COMMON_RUN_PLAN_H
#define PT_COMMON_RUN_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/config/config.h"
#include "common/data/dataset.h"
#include "common/run/balance.h"
#include "common/run/held_out.h"
#include "common/run/shards.h"

typedef struct {
    uint64_t first, end; /* steps [first, end) of the run */
} pt_plan_stage;

typedef struct {
    uint64_t seed;
    int batch, n_shards; /* images of a full batch, V */
    int targets;         /* of the batch: B; fewer than all beside source images */
    uint32_t *images;    /* [n_images]: image numbers used for training, split order */
    size_t n_images;
    uint64_t steps_per_epoch; /* the last batch of an epoch may be short */
    uint64_t total_steps;
    pt_plan_stage *stages;
    size_t n_stages;
    uint32_t
        *order; /* [n_images]: places of epoch order_epoch, each once if not balanced */
    pt_balance *balance; /* data.sampling: balanced; NULL: a permutation */
    uint64_t order_epoch;
    uint32_t *source; /* [n_source]: images of a second data set; NULL: none */
    size_t n_source;
    uint32_t *source_order; /* [n_source], of pass source_epoch */
    uint64_t source_epoch;
    uint64_t *pair_begin; /* [n_images][2]: first and end in `source`; NULL: no pairs */
} pt_plan;

/* The images that training uses: the first per_class of each class of a split (0 = all),
 * in split order, without `held_out` (NULL: none). *images is malloc'd. PT_ERR_DATA if
 * there are none or a class has too few.
 */
PT_MUST_USE pt_status pt_plan_select(const char *split, uint32_t per_class,
                                     const pt_held_out *held_out, const pt_dataset *d,
                                     uint32_t **images, size_t *n);

/* Takes images [n], n >= 1, also on failure. Reads seed, shards, data.batch and stages.
 */
PT_MUST_USE pt_status pt_plan_create(const pt_config *c, uint32_t *images, size_t n,
                                     pt_plan **out);
void pt_plan_destroy(pt_plan **p);

/* data.sampling: labels [n_images] of the plan's images, which `balanced` draws by.
 * Before pt_run_create. */
PT_MUST_USE pt_status pt_plan_add_labels(pt_plan *p, const pt_config *c,
                                         const int32_t *labels, int n_classes);

/* With a second data set: every target image of a batch is followed by one of images [n],
 * n >= 1, which is taken also on failure. They come in passes of their own, each in an
 * order of its own. Before pt_run_create. */
PT_MUST_USE pt_status pt_plan_add_source(pt_plan *p, uint32_t *images, size_t n);

/* The same, but each target image is followed by one of its neighbours, drawn anew in
 * every epoch. pairs: of the images of the second set, whose numbers begin at `before`.
 * PT_ERR_DATA where a training image has none. */
PT_MUST_USE pt_status pt_plan_add_pairs(pt_plan *p, const pt_pairs *pairs,
                                        uint32_t before);

/* Images in the batch of step: batch, or what is left at the end of an epoch. */
int pt_plan_batch_size(const pt_plan *p, uint64_t step);

/* The pass that step belongs to, counted from 0; and passes done before it, fractional.
 */
uint64_t pt_plan_epoch(const pt_plan *p, uint64_t step);

/* What tells apart the views of an image that augmentation draws: the pass, or, where one
 * pass may repeat an image (balanced), the step. */
uint64_t pt_plan_view(const pt_plan *p, uint64_t step);
double pt_plan_progress(const pt_plan *p, uint64_t step);

/* The images of positions [first, first + n) of the batch of step, into out [n]. */
void pt_plan_images(pt_plan *p, uint64_t step, int first, int n, uint32_t *out);

/* The places in plan->images of the same positions; not beside source images. */
void pt_plan_places(pt_plan *p, uint64_t step, int first, int n, uint32_t *out);

/* The images of a span of the batch of step, and, with `mirrored`, then those of the same
 * positions counted from the batch's end (worker/source.h). out [1 or 2 times its
 * images]; returns how many. */
int pt_plan_span_images(pt_plan *p, uint64_t step, const pt_span *span, bool mirrored,
                        uint32_t *out);

/* The stage that step belongs to. */
size_t pt_plan_stage_of(const pt_plan *p, uint64_t step);

/* The whole batch of step as a span of shards [lo, hi). */
pt_span pt_plan_span(const pt_plan *p, uint64_t step, int lo, int hi);

#endif
