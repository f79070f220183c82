/* mixup (Zhang et al., ICLR 2018): a step's images, and what they should be, are mixed
 * with the batch in reverse order, all with one share from Beta(alpha, alpha). Pure. */
#ifndef PT_WORKER_MIXUP_H
#define PT_WORKER_MIXUP_H

#include <stddef.h>
#include <stdint.h>

/* The share of the image itself in `step`; alpha in (0, 1]. By Johnk's method (1964) from
 * the step's stream: at alpha 1 a uniform number. */
double pt_mixup_share(uint64_t seed, uint64_t step, double alpha);

/* out [n] = share * a + (1 - share) * b, in float. */
void pt_mixup_blend(const float *a, const float *b, double share, size_t n, float *out);

#endif
