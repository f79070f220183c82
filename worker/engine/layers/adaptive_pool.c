#include "worker/engine/layers/adaptive_pool.h"

#include "worker/engine/layers/avg_pool.h"

static pt_avg_pool windows_of(const pt_adaptive_pool *s)
{
    return (pt_avg_pool){
        .h = s->h, .w = s->w, .c = s->c, .out_h = s->out_h, .out_w = s->out_w};
}

void pt_adaptive_pool_forward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                              pt_values x, pt_values y)
{
    pt_avg_pool a = windows_of(s);

    pt_avg_pool_forward(p, &a, n_images, x, y);
}

void pt_adaptive_pool_backward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                               pt_values dy, bool accumulate, pt_values dx)
{
    pt_avg_pool a = windows_of(s);

    pt_avg_pool_backward(p, &a, n_images, dy, accumulate, dx);
}
