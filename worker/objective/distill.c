#include "worker/objective/distill.h"

#include "common/base/pmath.h"

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

double pt_distill(const float *z, const float *z0, int n_classes, double temperature,
                  double scale, double *room, float *g)
{
    double *s = room, *q = room + n_classes, max, max0, log_sum, loss = 0;

    log_sum = soften(z, n_classes, temperature, s, &max);
    soften(z0, n_classes, temperature, q, &max0);
    for (int i = 0; i < n_classes; i++) {
        loss -= q[i] * ((z[i] - max) / temperature - log_sum);
        g[i] = (float)(scale * (s[i] - q[i]) / temperature);
    }
    return loss;
}
