#include "common/run/keys.h"

#include <limits.h>
#include <stdlib.h>

/* Floats of every piece of a tensor but the last. */
static size_t piece_of(size_t count)
{
    size_t pieces = (count + PT_KEY_MAX_FLOATS - 1) / PT_KEY_MAX_FLOATS;
    size_t piece = (count + pieces - 1) / pieces;

    return (piece + PT_KEY_ALIGN - 1) / PT_KEY_ALIGN * PT_KEY_ALIGN;
}

/* Keys of all parameters. */
static pt_status count_keys(const pt_graph *g, int *out)
{
    size_t n = 0;

    for (int t = 0; t < g->n_params; t++) {
        size_t count = g->tensors[t].count;

        if (count == 0)
            return pt_fail(PT_ERR_SHAPE, "%s: a parameter has 0 values",
                           g->tensors[t].name);
        n += (count - 1) / piece_of(count) + 1;
    }
    if (n > INT_MAX)
        return pt_fail(PT_ERR_SHAPE, "%s: %zu keys, at most %d are supported", g->network,
                       n, INT_MAX);
    *out = (int)n;
    return PT_OK;
}

static void cut(const pt_graph *g, pt_keys *k)
{
    int n = 0;

    for (int t = 0; t < g->n_params; t++) {
        size_t count = g->tensors[t].count, piece = piece_of(count);

        k->first_of_tensor[t] = n;
        for (size_t at = 0; at < count; at += piece)
            k->keys[n++] = (pt_key){.tensor = t,
                                    .offset = g->tensors[t].offset + at,
                                    .count = piece < count - at ? piece : count - at};
    }
    k->first_of_tensor[g->n_params] = n;
}

static int larger_then_earlier(const void *a, const void *b)
{
    const pt_key *x = *(const pt_key *const *)a, *y = *(const pt_key *const *)b;

    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x < y ? -1 : x > y;
}

static pt_status give(pt_keys *k)
{
    pt_status s = PT_OK;
    pt_key **order = pt_calloc((size_t)k->n, sizeof *order);
    size_t *load = pt_calloc((size_t)k->n_servers, sizeof *load);

    if (!order || !load) {
        s = pt_fail(PT_ERR_NOMEM, "no memory to give %d keys to %d servers", k->n,
                    k->n_servers);
        goto done;
    }
    for (int i = 0; i < k->n; i++) order[i] = &k->keys[i];
    qsort(order, (size_t)k->n, sizeof *order, larger_then_earlier);
    for (int i = 0; i < k->n; i++) {
        int lightest = 0;

        for (int r = 1; r < k->n_servers; r++)
            if (load[r] < load[lightest]) lightest = r;
        order[i]->server = lightest;
        load[lightest] += order[i]->count;
    }
done:
    free(order);
    free(load);
    return s;
}

pt_status pt_keys_create(const pt_graph *g, int n_servers, pt_keys **out)
{
    pt_status s;
    pt_keys *k = NULL;
    int n = 0;

    *out = NULL;
    if (n_servers < 1)
        return pt_fail(PT_ERR_CONFIG, "server.ranks is %d, must be at least 1",
                       n_servers);
    s = count_keys(g, &n);
    if (s != PT_OK) return s;
    k = calloc(1, sizeof *k);
    if (!k) return pt_fail(PT_ERR_NOMEM, "no memory for the keys");
    k->n = n;
    k->n_servers = n_servers;
    k->n_params = g->n_params;
    k->keys = pt_calloc((size_t)n, sizeof *k->keys);
    k->first_of_tensor = pt_calloc((size_t)g->n_params + 1, sizeof *k->first_of_tensor);
    if (!k->keys || !k->first_of_tensor) {
        s = pt_fail(PT_ERR_NOMEM, "no memory for %d keys", n);
        goto done;
    }
    cut(g, k);
    s = give(k);
    if (s != PT_OK) goto done;
    *out = k;
    k = NULL;
done:
    pt_keys_destroy(&k);
    return s;
}

void pt_keys_destroy(pt_keys **k)
{
    if (!k || !*k) return;
    free((*k)->keys);
    free((*k)->first_of_tensor);
    free(*k);
    *k = NULL;
}

size_t pt_keys_bytes(const pt_keys *k, int server)
{
    size_t n = 0;

    for (int i = 0; i < k->n; i++)
        if (k->keys[i].server == server) n += k->keys[i].count;
    return n * sizeof(float);
}
