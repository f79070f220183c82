#include "server/store.h"

#include <stdlib.h>
#include <string.h>

#include "server/methods/methods.h"

struct pt_store {
    pt_run *run;
    int *keys; /* of this rank, last layer first */
    int n;
    float **velocity; /* [all keys]; NULL for other ranks' keys */
};

void pt_store_destroy(pt_store **s)
{
    pt_store *p = s ? *s : NULL;

    if (!p) return;
    for (int k = 0; p->velocity && k < p->run->keys->n; k++) free(p->velocity[k]);
    free(p->velocity);
    free(p->keys);
    free(p);
    *s = NULL;
}

pt_status pt_store_create(pt_run *run, int rank, pt_store **out)
{
    pt_store *p = pt_calloc(1, sizeof *p);
    int n = run->keys->n;

    *out = NULL;
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for the key store");
    p->run = run;
    p->keys = pt_calloc((size_t)n, sizeof *p->keys);
    p->velocity = pt_calloc((size_t)n, sizeof *p->velocity);
    if (!p->keys || !p->velocity) goto nomem;
    for (int k = n - 1; k >= 0; k--) {
        const pt_key *key = &run->keys->keys[k];

        if (key->server != rank) continue;
        p->keys[p->n++] = k;
        p->velocity[k] = pt_calloc(key->count, sizeof(float));
        if (!p->velocity[k]) goto nomem;
    }
    *out = p;
    return PT_OK;
nomem:
    pt_store_destroy(&p);
    return pt_fail(PT_ERR_NOMEM, "no memory for the optimizer state (%zu bytes)",
                   pt_store_bytes(run, rank));
}

size_t pt_store_bytes(const pt_run *run, int rank)
{
    return pt_keys_bytes(run->keys, rank);
}

const int *pt_store_keys(const pt_store *s, int *n)
{
    *n = s->n;
    return s->keys;
}

const float *pt_store_velocity(const pt_store *s, int key)
{
    return s->velocity[key];
}

void pt_store_restore(pt_store *s, const float *velocity)
{
    for (int i = 0; i < s->n; i++) {
        const pt_key *k = &s->run->keys->keys[s->keys[i]];

        memcpy(s->velocity[s->keys[i]], velocity + k->offset, k->count * sizeof(float));
    }
}

pt_status pt_store_update(pt_store *s, int key, const float *gradient,
                          const Pt__Record__StepRecord *record)
{
    const pt_key *k = &s->run->keys->keys[key];
    const pt_tensor *t = &s->run->graph->tensors[k->tensor];
    const Pt__Config__Optimizer *o = s->run->config->optimizer;
    pt_sgd rule = {.lr = t->head ? record->head_lr : record->lr,
                   .momentum = o->momentum,
                   .weight_decay = o->weight_decay,
                   .nesterov = o->nesterov};

    pt_server_methods_rule(s->run, k, &rule);
    if (!pt_sgd_step(s->run->flat + k->offset, s->velocity[key], gradient, k->count,
                     &rule))
        return pt_fail(PT_ERR_NUMERIC,
                       "step %llu of %llu: %s is not finite after the update",
                       (unsigned long long)record->step + 1,
                       (unsigned long long)s->run->plan->total_steps, t->name);
    return PT_OK;
}
