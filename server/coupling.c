#include "server/coupling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "server/adarand.h"
#include "server/spectrum.h"

/* Which methods, and the parts of a row. */
typedef struct {
    bool confusion, shrinkage, adarand;
    int classes, dims, k;
    size_t row, rep_at; /* doubles; where the representation begins */
} coupling;

static coupling coupling_of(const pt_run *r)
{
    pt_row row = pt_row_layout(r);

    return (coupling){.confusion = pt_methods[PT_METHOD_CONFUSION].is_on(r->config),
                      .shrinkage = pt_methods[PT_METHOD_BSS].is_on(r->config),
                      .adarand = pt_methods[PT_METHOD_ADARAND].is_on(r->config),
                      .classes = r->graph->n_classes,
                      .dims = pt_run_rep_size(r),
                      .k = (int)r->config->regularizers->bss->k,
                      .row = row.total,
                      .rep_at = row.rep};
}

struct pt_coupler {
    coupling what;
    const pt_run *run;
    const Pt__Config__Regularizers *config;
    uint64_t step;
    const double *rows;
    int b;
    double *factor;    /* [k][b] */
    double *direction; /* [k][dims] */
    float *adarand;    /* its state; NULL: off */
    double *targets;   /* [b][dims] */
    float *room;       /* [dims] */
    double *moving;    /* [pt_adarand_room] */
};

void pt_coupler_destroy(pt_coupler **c)
{
    if (!c || !*c) return;
    free((*c)->factor);
    free((*c)->direction);
    free((*c)->adarand);
    free((*c)->targets);
    free((*c)->room);
    free((*c)->moving);
    free(*c);
    *c = NULL;
}

static bool make_arrays(pt_coupler *c)
{
    size_t k = (size_t)c->what.k, b = (size_t)c->run->plan->batch;
    size_t dims = (size_t)c->what.dims;

    if (c->what.shrinkage) {
        c->factor = pt_calloc(pt_mul(k, b), sizeof *c->factor);
        c->direction = pt_calloc(pt_mul(k, dims), sizeof *c->direction);
        if (!c->factor || !c->direction) return false;
    }
    if (c->what.adarand) {
        c->adarand =
            pt_calloc(pt_adarand_floats(c->what.classes, c->what.dims), sizeof(float));
        c->targets = pt_calloc(pt_mul(b, dims), sizeof *c->targets);
        c->room = pt_calloc(dims, sizeof *c->room);
        c->moving =
            pt_calloc(pt_adarand_room(c->what.classes, c->what.dims), sizeof *c->moving);
        if (!c->adarand || !c->targets || !c->room || !c->moving) return false;
    }
    return true;
}

pt_status pt_coupler_create(const pt_run *run, pt_coupler **out)
{
    coupling what = coupling_of(run);
    pt_coupler *c;

    *out = NULL;
    if (what.row == 0) return PT_OK;
    c = pt_calloc(1, sizeof *c);
    if (c) {
        c->what = what;
        c->run = run;
        c->config = run->config->regularizers;
    }
    if (!c || !make_arrays(c)) {
        pt_coupler_destroy(&c);
        return pt_fail(PT_ERR_NOMEM, "no memory for the terms of coupled images");
    }
    *out = c;
    return PT_OK;
}

static const double *row_of(const pt_coupler *c, int i)
{
    return c->rows + (size_t)i * c->what.row;
}

/* The partner of position i of a batch of b images, or -1: an odd last one has none
 * (halves of the batch; Dubey et al.'s program). */
static int partner_of(int b, int i)
{
    int half = b / 2;

    if (i >= 2 * half) return -1;
    return i < half ? i + half : i - half;
}

/* The partner whose probabilities image i is drawn to, or -1. */
static int partner(const pt_coupler *c, int i)
{
    int j = partner_of(c->b, i);

    if (j >= 0 && c->config->confusion->different && row_of(c, i)[0] == row_of(c, j)[0])
        return -1;
    return j;
}

static double confusion(const pt_coupler *c)
{
    double sum = 0;

    for (int i = 0; i < c->b / 2; i++) {
        int j = partner(c, i);
        double square = 0;

        for (int k = 1; j >= 0 && k <= c->what.classes; k++) {
            double d = row_of(c, i)[k] - row_of(c, j)[k];
            square += d * d;
        }
        sum += c->config->confusion->squared ? square : sqrt(square);
    }
    return c->config->confusion->weight * sum / c->b;
}

/* The targets of all images; the mean squared error against them. */
static double aim(pt_coupler *c)
{
    size_t dims = (size_t)c->what.dims;
    double sum = 0;

    for (int i = 0; i < c->b; i++) {
        const double *row = row_of(c, i), *rep = row + c->what.rep_at;
        double *t = c->targets + (size_t)i * dims;

        pt_adarand_target(c->adarand, c->what.classes, c->what.dims, (int)row[0],
                          c->run->config->seed, c->step, i, c->room, t);
        for (size_t d = 0; d < dims; d++) sum += (rep[d] - t[d]) * (rep[d] - t[d]);
    }
    return c->config->adarand->weight * sum / c->b / c->what.dims;
}

pt_status pt_coupler_take(pt_coupler *c, uint64_t step, const double *rows, int b,
                          double *penalty)
{
    double sum = 0;
    pt_status s = PT_OK;

    c->step = step;
    c->rows = rows;
    c->b = b;
    *penalty = c->what.confusion ? confusion(c) : 0;
    if (c->what.adarand) *penalty += aim(c);
    if (c->what.shrinkage)
        s = pt_spectrum_smallest(rows + c->what.rep_at, b, c->what.dims, c->what.row,
                                 c->what.k, c->factor, c->direction, &sum);
    *penalty += c->config->bss->weight * sum;
    return s;
}

void pt_coupler_terms(const pt_coupler *c, int first, int n, double *out)
{
    size_t pair = 1 + (size_t)c->what.classes, dims = (size_t)c->what.dims;
    pt_terms at = pt_terms_layout(c->run, n);

    for (int i = 0; i < n && c->what.confusion; i++) {
        int j = partner(c, first + i);
        double *to = out + at.at[PT_METHOD_CONFUSION] + (size_t)i * pair;

        memset(to, 0, pair * sizeof *to);
        if (j >= 0) memcpy(to, row_of(c, j), pair * sizeof *to);
        if (j < 0) to[0] = -1;
    }
    if (c->what.adarand)
        memcpy(out + at.at[PT_METHOD_ADARAND], c->targets + (size_t)first * dims,
               (size_t)n * dims * sizeof *out);
    for (int k = 0; k < c->what.k && c->what.shrinkage; k++) {
        double *to = out + at.at[PT_METHOD_BSS] + (size_t)k * ((size_t)n + dims);

        memcpy(to, c->factor + (size_t)k * (size_t)c->b + first, (size_t)n * sizeof *to);
        memcpy(to + n, c->direction + (size_t)k * dims, dims * sizeof *to);
    }
}

/* ---- from step to step ------------------------------------------------------------ */

void pt_coupler_moved(pt_coupler *c)
{
    const Pt__Config__AdaRand *a = c->config->adarand;
    double t = (double)c->step / (double)c->run->plan->total_steps;
    double lr = a->lr * 0.5 * (1 + pt_cos_turns(0.5 * t));

    if (c->adarand)
        pt_adarand_move(c->adarand, c->what.classes, c->what.dims, c->rows, c->b,
                        c->what.row, c->what.rep_at, lr, a->decay, c->moving);
}

size_t pt_method_floats(const pt_run *run)
{
    coupling what = coupling_of(run);

    return what.adarand ? pt_adarand_floats(what.classes, what.dims) : 0;
}

float *pt_coupler_state(pt_coupler *c, size_t *n)
{
    *n = c ? pt_method_floats(c->run) : 0;
    return *n > 0 ? c->adarand : NULL;
}

pt_status pt_coupler_start(pt_coupler *c, const float *features, const int32_t *labels,
                           size_t n)
{
    if (!c || !c->adarand) return PT_OK;
    return pt_adarand_init(c->adarand, c->what.classes, c->what.dims, features, labels,
                           n);
}
