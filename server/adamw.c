#include "server/adamw.h"

#include <float.h>
#include <math.h>

#include "common/base/simd.h"

/* What is the same for all elements, in the order in which it is used. */
typedef struct {
    float decay; /* lr wd */
    float keep;  /* 1 - lr wd */
    float beta1, rest1, beta2, rest2;
    float root; /* sqrt(1 - beta2^t) */
    float eps;
    float rate; /* lr / (1 - beta1^t) */
} factors;

static double power(double x, uint64_t n)
{
    double result = 1;

    for (; n > 0; n >>= 1, x *= x)
        if (n & 1) result *= x;
    return result;
}

static factors factors_of(const pt_adamw *o)
{
    double decay = (double)o->lr * o->weight_decay;

    return (factors){.decay = (float)decay,
                     .keep = (float)(1 - decay),
                     .beta1 = (float)o->beta1,
                     .rest1 = (float)(1 - o->beta1),
                     .beta2 = (float)o->beta2,
                     .rest2 = (float)(1 - o->beta2),
                     .root = (float)sqrt(1 - power(o->beta2, o->t)),
                     .eps = (float)o->eps,
                     .rate = (float)(o->lr / (1 - power(o->beta1, o->t)))};
}

PT_CLONES static int plain(float *restrict w, float *restrict m, float *restrict v,
                           const float *restrict g, size_t n, factors f)
{
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        float first = f.beta1 * m[i] + f.rest1 * g[i];
        float second = f.beta2 * v[i] + f.rest2 * g[i] * g[i];
        float moved = f.keep * w[i] - f.rate * (first / (sqrtf(second) / f.root + f.eps));

        m[i] = first;
        v[i] = second;
        w[i] = moved;
        bad |= !(fabsf(moved) <= FLT_MAX) | !(second <= FLT_MAX);
    }
    return bad;
}

PT_CLONES static int anchored(float *restrict w, float *restrict m, float *restrict v,
                              const float *restrict g, const float *restrict anchor,
                              size_t n, factors f)
{
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        float first = f.beta1 * m[i] + f.rest1 * g[i];
        float second = f.beta2 * v[i] + f.rest2 * g[i] * g[i];
        float drawn = w[i] - f.decay * (w[i] - anchor[i]);
        float moved = drawn - f.rate * (first / (sqrtf(second) / f.root + f.eps));

        m[i] = first;
        v[i] = second;
        w[i] = moved;
        bad |= !(fabsf(moved) <= FLT_MAX) | !(second <= FLT_MAX);
    }
    return bad;
}

bool pt_adamw_step(float *w, float *m, float *v, const float *g, size_t n,
                   const pt_adamw *o)
{
    factors f = factors_of(o);

    return !(o->anchor ? anchored(w, m, v, g, o->anchor, n, f) : plain(w, m, v, g, n, f));
}
