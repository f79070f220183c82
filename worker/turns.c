#include "worker/turns.h"

#include <stdlib.h>
#include <string.h>

/* The keys of one server, in order: pushed before `pushed`, with new weights before
 * `came`. */
typedef struct {
    int *keys; /* [n] */
    int n, pushed, came, window;
} lane;

struct pt_turns {
    const pt_run *run;
    bool *pushes, *ready; /* [n_keys] */
    lane *lanes;          /* [n_servers] */
    int *keys;            /* [n_keys]: memory of the lanes' lists */
};

void pt_turns_destroy(pt_turns **t)
{
    if (!t || !*t) return;
    free((*t)->pushes);
    free((*t)->ready);
    free((*t)->lanes);
    free((*t)->keys);
    free(*t);
    *t = NULL;
}

pt_status pt_turns_create(const pt_run *run, const bool *pushes, const int *window,
                          pt_turns **out)
{
    size_t n = (size_t)run->keys->n, servers = (size_t)run->n_servers;
    pt_turns *t = pt_calloc(1, sizeof *t);
    int before = 0;

    *out = NULL;
    if (!t) return pt_fail(PT_ERR_NOMEM, "no memory for the order of pushes");
    *t = (pt_turns){.run = run,
                    .pushes = pt_calloc(n, sizeof *t->pushes),
                    .ready = pt_calloc(n, sizeof *t->ready),
                    .lanes = pt_calloc(servers, sizeof *t->lanes),
                    .keys = pt_calloc(n, sizeof *t->keys)};
    if (!t->pushes || !t->ready || !t->lanes || !t->keys) {
        pt_turns_destroy(&t);
        return pt_fail(PT_ERR_NOMEM, "no memory for the order of pushes");
    }
    memcpy(t->pushes, pushes, n * sizeof *pushes);
    for (int s = 0; s < run->n_servers; s++) {
        t->lanes[s].keys = t->keys + before;
        t->lanes[s].window = window[s];
        for (int k = 0; k < run->keys->n; k++)
            before += pushes[k] && run->keys->keys[k].server == s;
    }
    *out = t;
    return PT_OK;
}

void pt_turns_begin(pt_turns *t)
{
    for (int s = 0; s < t->run->n_servers; s++) {
        lane *l = &t->lanes[s];

        l->n = l->pushed = l->came = 0;
    }
    for (int k = t->run->keys->n - 1; k >= 0; k--) {
        const pt_key *key = &t->run->keys->keys[k];
        lane *l = &t->lanes[key->server];

        t->ready[k] = false;
        if (t->pushes[k] && t->run->trained[key->tensor]) l->keys[l->n++] = k;
    }
}

bool pt_turns_has(const pt_turns *t, int key)
{
    return t->pushes[key];
}

void pt_turns_ready(pt_turns *t, int key)
{
    t->ready[key] = true;
}

/* Is there a key that is ready and has not been pushed? */
static bool waits(const pt_turns *t, const lane *l)
{
    return l->pushed < l->n && t->ready[l->keys[l->pushed]];
}

int pt_turns_next(pt_turns *t, int server)
{
    lane *l = &t->lanes[server];

    if (!waits(t, l) || l->pushed - l->came >= l->window) return -1;
    return l->keys[l->pushed++];
}

int pt_turns_awaited(const pt_turns *t, int server)
{
    const lane *l = &t->lanes[server];

    return waits(t, l) && l->came < l->pushed ? l->keys[l->came] : -1;
}

void pt_turns_came(pt_turns *t, int server)
{
    t->lanes[server].came++;
}
