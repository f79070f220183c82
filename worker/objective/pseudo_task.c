#include "worker/objective/pseudo_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "worker/objective/method.h"

/* Coordinates of the targets that no image has of its own (rng.h: a < 2^40). */
#define FIXED_STEP  (((uint64_t)1 << 40) - 1)
#define WHOLE_BATCH UINT64_MAX

void pt_pseudo_task_target(const pt_pseudo_task *p, uint64_t step, int position, float *t)
{
    uint64_t a = p->per == PT_PER_RUN ? FIXED_STEP : step;
    uint64_t b = p->per == PT_PER_IMAGE ? (uint64_t)position : WHOLE_BATCH;
    pt_rng r = pt_rng_stream(p->seed, PT_RNG_TARGET, a, b);
    size_t n = (size_t)p->dims;

    switch (p->target) {
    case PT_TARGET_ZERO:
        memset(t, 0, n * sizeof *t);
        break;
    case PT_TARGET_UNIFORM:
        pt_rng_fill_uniform(&r, t, n);
        break;
    case PT_TARGET_NORMAL:
        pt_rng_fill_normal(&r, t, n);
        break;
    case PT_TARGET_MATCHED:
        pt_rng_fill_normal(&r, t, n);
        for (size_t d = 0; d < n; d++) t[d] = p->mean[d] + p->std[d] * t[d];
        break;
    }
}

double pt_pseudo_task_gradient(const pt_pseudo_task *p, const float *rep, const float *t,
                               double scale, float *g)
{
    double loss = 0;

    for (int i = 0; i < p->dims; i++) {
        double d = (double)rep[i] - t[i];
        double a = fabs(d);

        if (p->loss == PT_LOSS_SML1) {
            loss += a < 1 ? 0.5 * d * d : a - 0.5;
            d = a < 1 ? d : d < 0 ? -1 : 1;
        } else {
            loss += 0.5 * d * d;
        }
        g[i] = (float)(scale * d);
    }
    return loss;
}

double pt_dot(const float *x, const float *y, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) sum += (double)x[i] * y[i];
    return sum;
}

double pt_norm(const float *x, int n)
{
    return sqrt(pt_dot(x, x, n));
}

/* ---- hooks ------------------------------------------------------------------------ */

typedef struct {
    pt_pseudo_task task;
    float *g; /* [max_images][dims]: the gradient of the batch mean's L_ptr */
} pseudo_task;

static void destroy(void *self)
{
    pseudo_task *p = self;

    free(p->g);
    free(p);
}

static size_t floats(const pt_run *run, const pt_net_options *net)
{
    return pt_mul((size_t)net->max_images, (size_t)pt_run_rep_size(run));
}

static size_t bytes(const pt_run *run, const pt_net_options *net)
{
    return floats(run, net) * sizeof(float);
}

static pt_status create(const pt_run *run, const pt_net_options *net, void **self)
{
    const Pt__Config__PseudoTask *c = run->config->pseudo_task;
    pseudo_task *p = *self = pt_calloc(1, sizeof *p);

    if (p) p->g = pt_calloc(floats(run, net), sizeof *p->g);
    if (!p || !p->g) return pt_fail(PT_ERR_NOMEM, "no memory for the pseudo-task");
    p->task = (pt_pseudo_task){.loss = (pt_reg_loss)c->loss,
                               .target = (pt_target)c->target,
                               .per = (pt_target_per)c->target_per,
                               .seed = run->config->seed,
                               .dims = pt_run_rep_size(run),
                               .mean = run->given.feature_mean,
                               .std = run->given.feature_std};
    return PT_OK;
}

/* Norms are of the gradient of the image's own loss: the 1/b of the mean is taken out. */
static void regress(void *self, const pt_batch *b, int i)
{
    const pseudo_task *p = self;
    int dims = p->task.dims, position = pt_span_first(&b->span) + i;
    size_t at = (size_t)i * (size_t)dims;
    const float *g_ce = b->g_ce + at;
    float *g = p->g + at;
    pt_shard_sums *image = &b->images[i];
    double ce = pt_norm(g_ce, dims), ptr;

    if (pt_is_source(b, i)) {
        memset(g, 0, (size_t)dims * sizeof *g);
        return;
    }
    pt_pseudo_task_target(&p->task, b->step, position, g);
    image->l_ptr = pt_pseudo_task_gradient(&p->task, b->rep + at, g, 1.0 / b->b, g);
    ptr = pt_norm(g, dims);
    image->g_ptr = ptr * b->b;
    if (!isfinite(image->g_ptr) || !isfinite(image->l_ptr)) image->bad = 1;
    if (ce > 0 && ptr > 0) image->cosine = pt_dot(g_ce, g, dims) / (ce * ptr);
}

/* Of both gradients, each of the image's own loss. */
static void add_sums(const void *self, const pt_batch *b, int i, double *sums)
{
    const pseudo_task *p = self;
    size_t n = (size_t)p->task.dims, at = (size_t)i * n;
    double images = b->b;

    for (size_t d = 0; d < n; d++) {
        sums[d] += images * b->g_ce[at + d];
        sums[n + d] += images * p->g[at + d];
    }
}

static void at_rep(void *self, const pt_batch *b, int i, const double *terms, float *g)
{
    const pseudo_task *p = self;
    const float *g_ptr = p->g + (size_t)i * (size_t)p->task.dims;
    float w = (float)b->weight;

    for (int d = 0; d < p->task.dims && w > 0; d++) g[d] = g[d] + w * g_ptr[d];
}

static const float *gradient(const void *self)
{
    return ((const pseudo_task *)self)->g;
}

const pt_worker_method pt_worker_pseudo_task = {.create = create,
                                                .destroy = destroy,
                                                .bytes = bytes,
                                                .regress = regress,
                                                .add_sums = add_sums,
                                                .at_rep = at_rep,
                                                .gradient = gradient};
