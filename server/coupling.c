#include "server/coupling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/spectrum.h"

struct pt_coupler {
    pt_coupling what;
    const Pt__Config__Regularizers *config;
    const double *rows;
    int b;
    double *factor;    /* [k][b] */
    double *direction; /* [k][dims] */
};

void pt_coupler_destroy(pt_coupler **c)
{
    if (!c || !*c) return;
    free((*c)->factor);
    free((*c)->direction);
    free(*c);
    *c = NULL;
}

pt_status pt_coupler_create(const pt_run *run, pt_coupler **out)
{
    pt_coupling what = pt_coupling_of(run);
    size_t k = (size_t)what.k;
    pt_coupler *c;

    *out = NULL;
    if (what.row == 0) return PT_OK;
    c = pt_calloc(1, sizeof *c);
    if (c) {
        c->what = what;
        c->config = run->config->regularizers;
        c->factor = pt_calloc(pt_mul(k, (size_t)run->plan->batch), sizeof *c->factor);
        c->direction = pt_calloc(pt_mul(k, (size_t)what.dims), sizeof *c->direction);
    }
    if (!c || !c->factor || !c->direction) {
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

/* The partner whose probabilities image i is drawn to, or -1. */
static int partner(const pt_coupler *c, int i)
{
    int j = pt_coupling_partner(c->b, i);

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

pt_status pt_coupler_take(pt_coupler *c, const double *rows, int b, double *penalty)
{
    double sum = 0;
    pt_status s = PT_OK;

    c->rows = rows;
    c->b = b;
    *penalty = c->what.confusion ? confusion(c) : 0;
    if (c->what.shrinkage)
        s = pt_spectrum_smallest(rows + c->what.rep_at, b, c->what.dims, c->what.row,
                                 c->what.k, c->factor, c->direction, &sum);
    *penalty += c->config->bss->weight * sum;
    return s;
}

void pt_coupler_terms(const pt_coupler *c, int first, int n, double *out)
{
    size_t probabilities = 1 + (size_t)c->what.classes, dims = (size_t)c->what.dims;

    for (int i = first; i < first + n && c->what.confusion; i++, out += probabilities) {
        int j = partner(c, i);

        memset(out, 0, probabilities * sizeof *out);
        if (j >= 0) memcpy(out, row_of(c, j), probabilities * sizeof *out);
        if (j < 0) out[0] = -1;
    }
    for (int k = 0; k < c->what.k && c->what.shrinkage; k++) {
        memcpy(out, c->factor + (size_t)k * (size_t)c->b + first,
               (size_t)n * sizeof *out);
        memcpy(out + n, c->direction + (size_t)k * dims, dims * sizeof *out);
        out += (size_t)n + dims;
    }
}
