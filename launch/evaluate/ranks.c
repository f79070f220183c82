#include "launch/evaluate/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/sizes.h"
#include "common/comm/job.h"
#include "common/run/shards.h"
#include "launch/support/gather_to_root.h"
#include "launch/train/placement.h"

void pt_evaluate_part(size_t n_images, int rank, int size, size_t *first, size_t *n)
{
    size_t blocks = (n_images + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    size_t from = blocks * (size_t)rank / (size_t)size * PT_EVAL_BLOCK;
    size_t to = blocks * ((size_t)rank + 1) / (size_t)size * PT_EVAL_BLOCK;

    *first = pt_min_size(from, n_images);
    *n = pt_min_size(to, n_images) - *first;
}

static void poll(void *context)
{
    pt_comm_poll(context);
}

/* What rank 0 puts together. */
typedef struct {
    size_t n_images, classes;
    float *logits;
} whole;

static void take(void *context, int rank, const void *theirs)
{
    const whole *w = context;
    size_t first, n;

    pt_evaluate_part(w->n_images, rank, pt_job_size(), &first, &n);
    memcpy(w->logits + first * w->classes, theirs, n * w->classes * sizeof *w->logits);
}

/* Collective: this rank's part, on its share of the cores. */
static pt_status look(const pt_classifier *m, const pt_dataset *d, const uint32_t *images,
                      size_t n, pt_views views, float *rows)
{
    pt_looking how = {.views = views, .poll = poll, .context = pt_job_comm()};
    pt_placement *place = NULL;
    size_t first, mine;
    pt_status s = pt_placement_create(0, 0, &place);

    if (s != PT_OK) return s;
    how.threads = pt_placement_threads(place);
    pt_comm_at(pt_job_comm(), 0, "looking at pictures");
    pt_evaluate_part(n, pt_job_rank(), pt_job_size(), &first, &mine);
    s = pt_evaluate_model(m, d, images + first, mine, &how, rows);
    pt_placement_destroy(&place);
    return pt_job_agree(s);
}

pt_status pt_evaluate_on_ranks(const pt_classifier *m, const pt_dataset *d,
                               const uint32_t *images, size_t n, pt_views views,
                               float *logits)
{
    whole w = {n, (size_t)m->graph->n_classes, logits};
    size_t blocks = (n + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    size_t most = (blocks + (size_t)pt_job_size() - 1) / (size_t)pt_job_size();
    size_t bytes = pt_mul(pt_mul(most * PT_EVAL_BLOCK, w.classes), sizeof *logits);
    float *rows = pt_calloc(bytes, 1);
    pt_status s = pt_job_agree(
        rows ? PT_OK
             : pt_fail(PT_ERR_NOMEM, "no memory for the logits of %zu images", n));

    if (s == PT_OK) s = look(m, d, images, n, views, rows);
    if (s == PT_OK) {
        if (pt_job_rank() == 0) take(&w, 0, rows);
        pt_gather_to_root(rows, bytes, take, &w);
    }
    free(rows);
    return s;
}
