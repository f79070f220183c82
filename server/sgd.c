#include "server/sgd.h"

static void plain(float *restrict w, float *restrict v, const float *restrict g, size_t n,
                  float lr, float mu, float wd)
{
    for (size_t i = 0; i < n; i++) {
        float decayed = g[i] + wd * w[i];
        float speed = mu * v[i] + decayed;

        v[i] = speed;
        w[i] -= lr * speed;
    }
}

static void nesterov(float *restrict w, float *restrict v, const float *restrict g,
                     size_t n, float lr, float mu, float wd)
{
    for (size_t i = 0; i < n; i++) {
        float decayed = g[i] + wd * w[i];
        float speed = mu * v[i] + decayed;

        v[i] = speed;
        w[i] -= lr * (decayed + mu * speed);
    }
}

void pt_sgd_step(float *w, float *v, const float *g, size_t n, const pt_sgd *o)
{
    if (o->nesterov) {
        nesterov(w, v, g, n, o->lr, o->momentum, o->weight_decay);
    } else {
        plain(w, v, g, n, o->lr, o->momentum, o->weight_decay);
    }
}
