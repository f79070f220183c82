/* The arithmetic of batch normalisation: sums per shard and one pass over the memory to
 * apply them. What crosses shards and workers is in net_norm.c.
 *
 * Activations are NHWC (values.h), the images of one worker contiguous. Groups are runs
 * of images (the shards); a sum never leaves its group and takes the pixels in order, one
 * chain per channel, in double. Threads share channels and images: the bits depend on the
 * group's images alone. Local; no allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_LAYERS_BATCH_NORM_H
#define PT_WORKER_ENGINE_LAYERS_BATCH_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/engine/layers/pointwise.h"
#include "worker/engine/threads.h"

typedef struct {
    int channels;
    size_t pixels; /* of one image */
    int n_images;
    int n_groups;           /* none of them empty */
    const int *group_begin; /* [n_groups + 1] images */
    const int *set;         /* [n_images] coefficients of each image; NULL: all set 0 */
} pt_bn_shape;

/* Coefficients of one set, [4][channels] float: mean, rstd = 1 / sqrt(var + eps), scale =
 * gamma * rstd, beta. Computed in double, then rounded. */
static inline size_t pt_bn_coef_len(int channels)
{
    return 4 * (size_t)channels;
}

/* From moments (common/run/moments.h; n >= 1): the biased variance m2 / n. */
void pt_bn_coef_of_moments(const double *moments, int channels, float eps,
                           const float *gamma, const float *beta, float *coef);
/* From running statistics. */
void pt_bn_coef_of_running(const float *mean, const float *var, int channels, float eps,
                           const float *gamma, const float *beta, float *coef);

/* moments [n_groups][1 + 2 channels]: count, mean and M2 of each group, from sums of x
 * less the group's first pixel and of its square. */
void pt_bn_moments(pt_threads *p, const pt_bn_shape *s, pt_values x, double *moments);

/* y = act((x - mean) * scale + beta (+ plus)); y may be x or plus. coef [sets][4
 * channels], plus as x, or none. */
void pt_bn_normalise(pt_threads *p, const pt_bn_shape *s, const float *coef, pt_act act,
                     pt_values x, pt_values plus, pt_values y);

/* sums [n_groups][2 channels]: sum of dz, sum of dz * xhat, where dz is dy after `act`'s
 * backward pass and xhat = (x - mean) * rstd is recomputed from x. */
void pt_bn_backward_sums(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         pt_act act, pt_values x, pt_values dy, double *sums);

/* dx = scale * (dz - means[0] - xhat * means[1]) with means [sets][2][channels]: the sums
 * over everything that shared the statistics, divided by its count. means NULL: the
 * statistics did not depend on x, dx = scale * dz. */
void pt_bn_backward_data(pt_threads *p, const pt_bn_shape *s, const float *coef,
                         const float *means, pt_act act, pt_values x, pt_values dy,
                         bool accumulate, pt_values dx);

#endif
