#include "server/sgd.h"

#include <float.h>
#include <math.h>

static bool plain(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                  float lr, float mu, float wd)
{
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        float decayed = g[i] + wd * w[i];
        float speed = mu * v[i] + decayed;
        float moved = w[i] - lr * speed;

        v[i] = speed;
        w[i] = moved;
        bad |= !(fabsf(moved) <= FLT_MAX);
    }
    return !bad;
}

static bool nesterov(float *restrict w, float *restrict v, const float *restrict g,
                     size_t n, float lr, float mu, float wd)
{
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        float decayed = g[i] + wd * w[i];
        float speed = mu * v[i] + decayed;
        float moved = w[i] - lr * (decayed + mu * speed);

        v[i] = speed;
        w[i] = moved;
        bad |= !(fabsf(moved) <= FLT_MAX);
    }
    return !bad;
}

static bool anchored(float *restrict w, float *restrict v, const float *restrict g,
                     const float *restrict anchor, size_t n, const pt_sgd *o)
{
    float lr = o->lr, mu = o->momentum, wd = o->weight_decay;
    int bad = 0;

    for (size_t i = 0; i < n; i++) {
        float decayed = g[i] + wd * (w[i] - anchor[i]);
        float speed = mu * v[i] + decayed;
        float moved = w[i] - lr * (o->nesterov ? decayed + mu * speed : speed);

        v[i] = speed;
        w[i] = moved;
        bad |= !(fabsf(moved) <= FLT_MAX);
    }
    return !bad;
}

bool pt_sgd_step(float *w, float *v, const float *g, size_t n, const pt_sgd *o)
{
    if (o->anchor) return anchored(w, v, g, o->anchor, n, o);
    if (o->nesterov) return nesterov(w, v, g, n, o->lr, o->momentum, o->weight_decay);
    return plain(w, v, g, n, o->lr, o->momentum, o->weight_decay);
}
