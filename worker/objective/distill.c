#include "worker/objective/distill.h"

#include <stdlib.h>

#include "common/base/pmath.h"

size_t pt_distill_bytes(const pt_run *run, const pt_net_options *net)
{
    return (size_t)net->max_images * 2 * (size_t)pt_graph_source_classes(run->graph) *
           sizeof(double);
}

/* [images][2 source classes] doubles. */
pt_status pt_distill_create(const pt_run *run, const pt_net_options *net, void **self)
{
    *self = pt_calloc(1, pt_distill_bytes(run, net));
    return *self ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the source head's loss");
}

void pt_distill_destroy(void *self)
{
    free(self);
}

/* p <- softmax(z / T); returns the log of the sum of exp((z - max) / T), *max of z. */
static double soften(const float *z, int n, double temperature, double *p, double *max)
{
    double sum = 0;

    *max = z[0];
    for (int i = 1; i < n; i++)
        if (z[i] > *max) *max = z[i];
    for (int i = 0; i < n; i++) sum += p[i] = pt_exp((z[i] - *max) / temperature);
    for (int i = 0; i < n; i++) p[i] /= sum;
    return pt_log(sum);
}

void pt_distill_at(void *self, const pt_batch *b, int i, size_t place, double temperature,
                   double weight, const float *z, float *g)
{
    int n = pt_graph_source_classes(b->run->graph);
    const float *z0 = b->run->given.responses + place * (size_t)n;
    double *s = (double *)self + 2 * (size_t)i * (size_t)n, *q = s + n;
    double scale = weight / b->b, max, max0, log_sum, loss = 0;

    log_sum = soften(z, n, temperature, s, &max);
    soften(z0, n, temperature, q, &max0);
    for (int k = 0; k < n; k++) {
        loss -= q[k] * ((z[k] - max) / temperature - log_sum);
        g[k] = (float)(scale * (s[k] - q[k]) / temperature);
    }
    pt_penalize(b, i, weight, loss);
}
