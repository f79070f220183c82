/* Stochastic gradient descent with momentum, on one flat block of parameters. Pure. */
#ifndef PT_SERVER_SGD_H
#define PT_SERVER_SGD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    float lr;           /* per update */
    float momentum;     /* mu, in [0, 1) */
    float weight_decay; /* L2 coefficient, >= 0 */
    bool nesterov;
    const float *anchor; /* [n] or NULL for 0: what weight_decay draws w to (L2-SP) */
} pt_sgd;

/* One step, in place:
 *
 *     g' <- g + wd * w         or g + wd * (w - anchor)
 *     v  <- mu * v + g'
 *     w  <- w - lr * d        d = v, or g' + mu * v with nesterov
 *
 * w, v, g  [n] float32, not overlapping; v is 0 before the first step
 * g        gradient of the mean loss per image, over the whole batch
 *
 * Every operation rounds to float on its own and no element sees another: the bits do not
 * depend on how a tensor is cut into blocks, nor on the width of vectors.
 *
 * Returns whether every weight is finite afterwards.
 *
 * Local; no allocation. A NaN in g reaches w and v.
 * Source: torch.optim.SGD (dampening 0). Unlike in Sutskever et al., ICML 2013, eq. 1-2,
 * lr multiplies v and not g, so that a change of lr takes effect at once. PyTorch may
 * fuse a product and its sum into one rounding; we do not.
 */
bool pt_sgd_step(float *w, float *v, const float *g, size_t n, const pt_sgd *o);

#endif
