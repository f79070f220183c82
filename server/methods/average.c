/* EMA of weights (Polyak & Juditsky, SIAM J. Control Optim. 30, 1992, with weights that
 * fall exponentially, as torch.optim.swa_utils.get_ema_avg_fn): after each update
 *
 *     m <- m + (1 - decay) (w - m)        m = the start weights before the first
 *
 * in double, rounded to float once: decay * m + (1 - decay) * w, but an average of equal
 * weights stays what it is. Batch norm's running statistics are the run's own. */
#include <stdlib.h>
#include <string.h>

#include "server/methods/method.h"

typedef struct {
    const pt_run *run;
    int rank;
    float *m; /* [n_param_floats]: this server's keys move */
} average;

static void destroy(void *self)
{
    average *a = self;

    free(a->m);
    free(a);
}

static pt_status create(const pt_run *run, int rank, void **self)
{
    size_t n = run->graph->n_param_floats;
    average *a = pt_calloc(1, sizeof *a);

    *self = a;
    if (a) *a = (average){.run = run, .rank = rank, .m = pt_calloc(n, sizeof *a->m)};
    if (!a || !a->m) return pt_fail(PT_ERR_NOMEM, "no memory for the average of weights");
    memcpy(a->m, run->flat, n * sizeof *a->m);
    return PT_OK;
}

static size_t bytes(const pt_run *run, int rank)
{
    return run->graph->n_param_floats * sizeof(float);
}

static float *weights(void *self)
{
    return ((average *)self)->m;
}

static void moved(void *self, const pt_rows *rows)
{
    average *a = self;
    double rest = 1 - a->run->config->average->decay;

    for (int k = 0; k < a->run->keys->n; k++) {
        const pt_key *key = &a->run->keys->keys[k];
        float *m = a->m + key->offset;
        const float *w = a->run->flat + key->offset;

        if (key->server != a->rank) continue;
        for (size_t i = 0; i < key->count; i++)
            m[i] = (float)(m[i] + rest * ((double)w[i] - m[i]));
    }
}

const pt_server_method pt_server_average = {.create = create,
                                            .destroy = destroy,
                                            .bytes = bytes,
                                            .second = "ema",
                                            .weights = weights,
                                            .moved = moved};
