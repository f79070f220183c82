/* AdamW on one flat block of parameters. Pure. */
#ifndef PT_SERVER_ADAMW_H
#define PT_SERVER_ADAMW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    float lr;            /* per update */
    double beta1, beta2; /* in [0, 1) */
    double eps;          /* > 0 */
    float weight_decay;  /* >= 0, decoupled */
    const float *anchor; /* [n] or NULL for 0: what weight_decay draws w to (L2-SP) */
    uint64_t t;          /* this is the t-th update of these weights, from 1 on */
} pt_adamw;

/* One step, in place:
 *
 *     w <- (1 - lr wd) w       or w - lr wd (w - anchor)
 *     m <- beta1 m + (1 - beta1) g
 *     v <- beta2 v + (1 - beta2) g^2
 *     w <- w - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * w, m, v, g  [n] float32, not overlapping; m and v are 0 before the first step
 * g           gradient of the mean loss per image, over the whole batch
 *
 * What depends on t alone is computed in double (powers by squaring, not by libm's pow,
 * whose last bit is the library's) and rounded to float once; every operation on an
 * element rounds to float on its own and no element sees another: the bits depend neither
 * on how a tensor is cut into blocks nor on the width of vectors.
 *
 * Returns whether every weight and second moment is finite afterwards: where the latter
 * overflows, the weight would never move again.
 *
 * Local; no allocation. A NaN in g reaches w, m and v.
 * Source: Loshchilov & Hutter, ICLR 2019, algorithm 2, as torch.optim.AdamW computes it
 * (amsgrad and maximize false). PyTorch may fuse a product and its sum into one rounding;
 * we do not. */
bool pt_adamw_step(float *w, float *m, float *v, const float *g, size_t n,
                   const pt_adamw *o);

#endif
