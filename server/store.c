#include "server/store.h"

#include <stdlib.h>
#include <string.h>

#include "server/adamw.h"
#include "server/methods/methods.h"
#include "server/sgd.h"

struct pt_store {
    pt_run *run;
    int *keys; /* of this rank, last layer first */
    int n;
    float **velocity;  /* [all keys]; NULL for other ranks' keys */
    float **squares;   /* [all keys], likewise; all NULL without squares */
    uint64_t *updates; /* [n_params]: of all tensors */
};

static void free_all(float **arrays, int n)
{
    for (int k = 0; arrays && k < n; k++) free(arrays[k]);
    free(arrays);
}

void pt_store_destroy(pt_store **s)
{
    pt_store *p = s ? *s : NULL;

    if (!p) return;
    free_all(p->velocity, p->run->keys->n);
    free_all(p->squares, p->run->keys->n);
    free(p->updates);
    free(p->keys);
    free(p);
    *s = NULL;
}

/* The state of key k. */
static bool make_key(pt_store *p, int k)
{
    size_t count = p->run->keys->keys[k].count;
    bool squares = pt_optimizer_has_squares(p->run);

    p->keys[p->n++] = k;
    p->velocity[k] = pt_calloc(count, sizeof(float));
    if (squares) p->squares[k] = pt_calloc(count, sizeof(float));
    return p->velocity[k] && (p->squares[k] || !squares);
}

pt_status pt_store_create(pt_run *run, int rank, pt_store **out)
{
    pt_store *p = pt_calloc(1, sizeof *p);
    int n = run->keys->n;
    bool made;

    *out = NULL;
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for the key store");
    p->run = run;
    p->keys = pt_calloc((size_t)n, sizeof *p->keys);
    p->velocity = pt_calloc((size_t)n, sizeof *p->velocity);
    p->squares = pt_calloc((size_t)n, sizeof *p->squares);
    p->updates = pt_calloc((size_t)run->graph->n_params, sizeof *p->updates);
    made = p->keys && p->velocity && p->squares && p->updates;
    for (int k = n - 1; k >= 0 && made; k--)
        if (run->keys->keys[k].server == rank) made = make_key(p, k);
    if (made) {
        *out = p;
        return PT_OK;
    }
    pt_store_destroy(&p);
    return pt_fail(PT_ERR_NOMEM, "no memory for the optimizer state (%zu bytes)",
                   pt_store_bytes(run, rank));
}

size_t pt_store_bytes(const pt_run *run, int rank)
{
    return pt_optimizer_floats(run) * pt_keys_bytes(run->keys, rank);
}

const int *pt_store_keys(const pt_store *s, int *n)
{
    *n = s->n;
    return s->keys;
}

/* ---- checkpoints ------------------------------------------------------------------- */

void pt_store_save(const pt_store *s, const pt_optimizer_state *to)
{
    for (int i = 0; i < s->n; i++) {
        int k = s->keys[i];
        const pt_key *key = &s->run->keys->keys[k];
        size_t bytes = key->count * sizeof(float);

        memcpy(to->velocity + key->offset, s->velocity[k], bytes);
        if (to->squares) memcpy(to->squares + key->offset, s->squares[k], bytes);
    }
    if (to->updates)
        memcpy(to->updates, s->updates,
               (size_t)s->run->graph->n_params * sizeof *to->updates);
}

void pt_store_restore(pt_store *s, const pt_optimizer_state *from)
{
    for (int i = 0; i < s->n; i++) {
        int k = s->keys[i];
        const pt_key *key = &s->run->keys->keys[k];
        size_t bytes = key->count * sizeof(float);

        memcpy(s->velocity[k], from->velocity + key->offset, bytes);
        if (from->squares) memcpy(s->squares[k], from->squares + key->offset, bytes);
    }
    if (from->updates)
        memcpy(s->updates, from->updates,
               (size_t)s->run->graph->n_params * sizeof *from->updates);
}

/* ---- the update -------------------------------------------------------------------- */

static bool by_sgd(pt_store *s, int k, const float *gradient, float lr)
{
    const pt_key *key = &s->run->keys->keys[k];
    const Pt__Config__Optimizer *o = s->run->config->optimizer;
    pt_decay decay = pt_server_methods_decay(s->run, key);
    pt_sgd rule = {.lr = lr,
                   .momentum = o->momentum,
                   .weight_decay = decay.coefficient,
                   .nesterov = o->nesterov,
                   .anchor = decay.anchor};

    return pt_sgd_step(s->run->flat + key->offset, s->velocity[k], gradient, key->count,
                       &rule);
}

static bool by_adamw(pt_store *s, int k, const float *gradient, float lr)
{
    const pt_key *key = &s->run->keys->keys[k];
    const Pt__Config__Optimizer *o = s->run->config->optimizer;
    pt_decay decay = pt_server_methods_decay(s->run, key);
    pt_adamw rule = {.lr = lr,
                     .beta1 = o->beta1,
                     .beta2 = o->beta2,
                     .eps = o->eps,
                     .weight_decay = decay.coefficient,
                     .anchor = decay.anchor,
                     .t = s->updates[key->tensor] + 1};

    return pt_adamw_step(s->run->flat + key->offset, s->velocity[k], s->squares[k],
                         gradient, key->count, &rule);
}

pt_status pt_store_update(pt_store *s, int key, const float *gradient,
                          const Pt__Record__StepRecord *record)
{
    const pt_tensor *t = &s->run->graph->tensors[s->run->keys->keys[key].tensor];
    float lr = t->head ? record->head_lr : record->lr;

    if (pt_optimizer_has_squares(s->run) ? by_adamw(s, key, gradient, lr)
                                         : by_sgd(s, key, gradient, lr))
        return PT_OK;
    return pt_fail(PT_ERR_NUMERIC, "step %llu of %llu: %s is not finite after the update",
                   (unsigned long long)record->step + 1,
                   (unsigned long long)s->run->plan->total_steps, t->name);
}

void pt_store_moved(pt_store *s)
{
    for (int t = 0; t < s->run->graph->n_params; t++) s->updates[t] += s->run->trained[t];
}
