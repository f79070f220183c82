/* BSS (Chen et al., NeurIPS 2019): weight * the sum of the squares of the k smallest
 * singular values of the batch's representations. Terms: for each of the k, a factor for
 * each image [n] and a direction [rep size]. */
#include <stdlib.h>
#include <string.h>

#include "server/methods/method.h"
#include "server/methods/spectrum.h"

typedef struct {
    const pt_run *run;
    int k, dims, b;
    double *factor;    /* [k][b] */
    double *direction; /* [k][dims] */
} spectrum;

static void destroy(void *self)
{
    spectrum *s = self;

    free(s->factor);
    free(s->direction);
    free(s);
}

static pt_status create(const pt_run *run, int rank, void **self)
{
    size_t k = run->config->regularizers->bss->k, dims = (size_t)pt_run_rep_size(run);
    spectrum *s;

    if (rank > 0) return PT_OK;
    s = pt_calloc(1, sizeof *s);
    if (s) {
        *s = (spectrum){.run = run, .k = (int)k, .dims = (int)dims};
        s->factor = pt_calloc(pt_mul(k, (size_t)run->plan->batch), sizeof *s->factor);
        s->direction = pt_calloc(pt_mul(k, dims), sizeof *s->direction);
    }
    *self = s;
    return s && s->factor && s->direction
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for singular values");
}

static pt_status take(void *self, const pt_rows *rows, double *penalty)
{
    spectrum *s = self;
    double sum;
    pt_status st =
        pt_spectrum_smallest(rows->rows + rows->layout.rep, rows->b, s->dims,
                             rows->layout.total, s->k, s->factor, s->direction, &sum);

    s->b = rows->b;
    if (st == PT_OK) *penalty = s->run->config->regularizers->bss->weight * sum;
    return st;
}

static void terms(const void *self, int first, int n, double *out)
{
    const spectrum *s = self;
    size_t dims = (size_t)s->dims;

    for (int k = 0; k < s->k; k++, out += (size_t)n + dims) {
        memcpy(out, s->factor + (size_t)k * (size_t)s->b + first,
               (size_t)n * sizeof *out);
        memcpy(out + n, s->direction + (size_t)k * dims, dims * sizeof *out);
    }
}

const pt_server_method pt_server_bss = {
    .create = create, .destroy = destroy, .take = take, .terms = terms};
