#include "server/methods/methods.h"

#include <stdlib.h>
#include <string.h>

#define ROW(NAME, name, run, worker, server, ...)                                        \
    PT_IF_##server([PT_METHOD_##NAME] = &pt_server_##name, )
const pt_server_method *const pt_server_methods_table[PT_N_METHODS] = {
    PT_METHOD_LIST(ROW)};

struct pt_server_methods {
    const pt_run *run;
    pt_rows rows; /* of the step under way; rows.rows is NULL but on rank 0 */
    void *self[PT_N_METHODS];
};

/* The hooks of method m if it is on, else NULL. */
static const pt_server_method *hooks_of(const pt_run *run, int m)
{
    return pt_methods[m].is_on(run->config) ? pt_server_methods_table[m] : NULL;
}

void pt_server_methods_destroy(pt_server_methods **m)
{
    if (!m || !*m) return;
    for (int i = 0; i < PT_N_METHODS; i++)
        if ((*m)->self[i]) pt_server_methods_table[i]->destroy((*m)->self[i]);
    free(*m);
    *m = NULL;
}

pt_status pt_server_methods_create(const pt_run *run, int rank, pt_server_methods **out)
{
    pt_server_methods *m = pt_calloc(1, sizeof *m);
    pt_status s = PT_OK;

    *out = NULL;
    if (!m) return pt_fail(PT_ERR_NOMEM, "no memory for the server's methods");
    m->run = run;
    m->rows.layout = pt_row_layout(run);
    for (int i = 0; i < PT_N_METHODS && s == PT_OK; i++) {
        const pt_server_method *h = hooks_of(run, i);

        if (h && h->create) s = h->create(run, rank, &m->self[i]);
    }
    if (s == PT_OK) {
        *out = m;
        m = NULL;
    }
    pt_server_methods_destroy(&m);
    return s;
}

size_t pt_server_methods_bytes(const pt_run *run, int rank)
{
    size_t n = 0;

    for (int i = 0; i < PT_N_METHODS; i++) {
        const pt_server_method *h = hooks_of(run, i);

        if (h && h->bytes) n += h->bytes(run, rank);
    }
    return n;
}

pt_status pt_server_methods_start(pt_server_methods *m, const float *features, size_t n)
{
    pt_status s = PT_OK;

    for (int i = 0; i < PT_N_METHODS && s == PT_OK; i++) {
        const pt_server_method *h = hooks_of(m->run, i);

        if (h && h->start) s = h->start(m->self[i], features, m->run->given.labels, n);
    }
    return s;
}

pt_status pt_server_methods_relate(const pt_run *run, const float *answers, size_t n,
                                   size_t classes)
{
    pt_status s = PT_OK;

    for (int i = 0; i < PT_N_METHODS && s == PT_OK; i++) {
        const pt_server_method *h = hooks_of(run, i);

        if (h && h->relate) s = h->relate(run, answers, n, classes);
    }
    return s;
}

pt_status pt_server_methods_take(pt_server_methods *m, uint64_t step, const double *rows,
                                 int b, double *penalty)
{
    pt_status s = PT_OK;

    m->rows.step = step;
    m->rows.rows = rows;
    m->rows.b = b;
    *penalty = 0;
    for (int i = 0; i < PT_N_METHODS && s == PT_OK; i++) {
        const pt_server_method *h = hooks_of(m->run, i);
        double own = 0;

        if (h && h->take) s = h->take(m->self[i], &m->rows, &own);
        *penalty += own;
    }
    return s;
}

void pt_server_methods_terms(const pt_server_methods *m, int first, int n, double *out)
{
    pt_terms at = pt_terms_layout(m->run, n);

    for (int i = 0; i < PT_N_METHODS; i++) {
        const pt_server_method *h = hooks_of(m->run, i);

        if (h && h->terms) h->terms(m->self[i], first, n, out + at.at[i]);
    }
}

pt_decay pt_server_methods_decay(const pt_run *run, const pt_key *key)
{
    pt_decay decay = {.coefficient = run->config->optimizer->weight_decay};

    for (int i = 0; i < PT_N_METHODS; i++) {
        const pt_server_method *h = hooks_of(run, i);

        if (h && h->decay) h->decay(run, key, &decay);
    }
    return decay;
}

void pt_server_methods_moved(pt_server_methods *m, uint64_t step)
{
    m->rows.step = step;
    for (int i = 0; i < PT_N_METHODS; i++) {
        const pt_server_method *h = hooks_of(m->run, i);

        if (h && h->moved) h->moved(m->self[i], &m->rows);
    }
}

/* The method with a second set of weights; PT_N_METHODS: none. */
static int second_of(const pt_run *run)
{
    return (int)pt_methods_first(run->config, PT_ASKS_SECOND);
}

const char *pt_server_methods_second_name(const pt_run *run)
{
    int i = second_of(run);

    return i < PT_N_METHODS ? pt_server_methods_table[i]->second : NULL;
}

float *pt_server_methods_second(const pt_server_methods *m)
{
    int i = second_of(m->run);

    return i < PT_N_METHODS ? pt_server_methods_table[i]->weights(m->self[i]) : NULL;
}

/* ---- checkpoints ------------------------------------------------------------------- */

static size_t floats_of(const pt_run *run, int m)
{
    const pt_server_method *h = hooks_of(run, m);

    return h && h->floats ? h->floats(run) : 0;
}

size_t pt_server_methods_floats(const pt_run *run)
{
    size_t n = 0;

    for (int i = 0; i < PT_N_METHODS; i++) n += floats_of(run, i);
    return n;
}

void pt_server_methods_save(const pt_server_methods *m, float *to)
{
    for (int i = 0; i < PT_N_METHODS; i++) {
        size_t n = floats_of(m->run, i);

        if (n == 0) continue;
        memcpy(to, pt_server_methods_table[i]->state(m->self[i]), n * sizeof *to);
        to += n;
    }
}

void pt_server_methods_restore(pt_server_methods *m, const float *from)
{
    for (int i = 0; i < PT_N_METHODS; i++) {
        size_t n = floats_of(m->run, i);

        if (n == 0) continue;
        memcpy(pt_server_methods_table[i]->state(m->self[i]), from, n * sizeof *from);
        from += n;
    }
}
