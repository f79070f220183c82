#include "server/evaluate.h"

#include <stdio.h>
#include <stdlib.h>

static void note_failure(pt_evaluation *e, pt_status s)
{
    if (s == PT_OK || e->failed != PT_OK) return;
    e->failed = s;
    snprintf(e->why, sizeof e->why, "%s", pt_fail_text());
}

/* second: whose outputs they are; NULL: the model's. */
static pt_status test_on(pt_evaluation *e, const pt_second *second, pt_rows_of set,
                         uint64_t step, bool last, size_t n)
{
    const pt_graph *g = e->workers->run->graph;
    const pt_server_hooks *h = e->hooks;
    float *rows;
    pt_status s = pt_workers_take_rows(e->workers, n, (size_t)g->n_classes, &rows);

    if (s != PT_OK) return s;
    if (e->failed == PT_OK && second && h->on_second)
        note_failure(e, h->on_second(h->context, second, set, step, last, rows, n));
    else if (e->failed == PT_OK && !second && h->on_rows)
        note_failure(e, h->on_rows(h->context, set, step, last, rows, n));
    free(rows);
    return PT_OK;
}

/* The sets that every test has. */
static pt_status test_on_both(pt_evaluation *e, const pt_second *second, uint64_t step,
                              bool last)
{
    const pt_test_sizes *n = &e->sizes;
    pt_status s = PT_OK;

    if (n->n_validation > 0)
        s = test_on(e, second, PT_ROWS_VALIDATION, step, last, n->n_validation);
    if (s == PT_OK && n->n_test > 0)
        s = test_on(e, second, PT_ROWS_TEST, step, last, n->n_test);
    return s;
}

pt_status pt_evaluate(pt_evaluation *e, uint64_t step, bool last)
{
    bool files = last || e->workers->run->config->run->keep_best;
    pt_status s = pt_workers_send_running(e->workers);

    if (files) note_failure(e, pt_saves_free_library(e->saves)); /* hooks write HDF5 */
    if (s == PT_OK) s = test_on_both(e, NULL, step, last);
    if (s == PT_OK && last && e->sizes.n_train > 0)
        s = test_on(e, NULL, PT_ROWS_TRAIN, step, last, e->sizes.n_train);
    return s;
}

pt_status pt_evaluate_second(pt_evaluation *e, const pt_second *second, uint64_t step,
                             bool last)
{
    const pt_server_hooks *h = e->hooks;
    pt_status s = test_on_both(e, second, step, last);

    if (s == PT_OK && last && e->failed == PT_OK && h->on_second_end)
        note_failure(e, h->on_second_end(h->context, second));
    return s;
}

pt_status pt_evaluate_end(const pt_evaluation *e)
{
    return e->failed == PT_OK ? PT_OK : pt_fail(e->failed, "%s", e->why);
}
