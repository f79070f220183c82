#include "worker/objective/pseudo_task.h"

#include <math.h>
#include <string.h>

#include "common/base/rng.h"

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
