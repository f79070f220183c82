#include "server/evaluate.h"

#include <stdlib.h>

/* second: whose outputs they are; NULL: the model's. */
static pt_status test_on(const pt_evaluation *e, const pt_second *second, pt_rows_of set,
                         uint64_t step, bool last, size_t n)
{
    const pt_graph *g = e->workers->run->graph;
    float *rows;
    pt_status s = pt_workers_take_rows(e->workers, n, (size_t)g->n_classes, &rows);

    if (s == PT_OK && second && e->hooks->on_second)
        s = e->hooks->on_second(e->hooks->context, second, set, step, last, rows, n);
    else if (s == PT_OK && !second && e->hooks->on_rows)
        s = e->hooks->on_rows(e->hooks->context, set, step, last, rows, n);
    free(rows);
    return s;
}

/* The sets that every test has. */
static pt_status test_on_both(const pt_evaluation *e, const pt_second *second,
                              uint64_t step, bool last)
{
    const pt_test_sizes *n = &e->sizes;
    pt_status s = PT_OK;

    if (n->n_validation > 0)
        s = test_on(e, second, PT_ROWS_VALIDATION, step, last, n->n_validation);
    return s == PT_OK ? test_on(e, second, PT_ROWS_TEST, step, last, n->n_test) : s;
}

pt_status pt_evaluate(const pt_evaluation *e, uint64_t step, bool last)
{
    bool files = last || e->workers->run->config->run->keep_best;
    pt_status s = pt_workers_send_running(e->workers);

    if (s == PT_OK && files) s = pt_saves_free_library(e->saves); /* hooks write HDF5 */
    if (s == PT_OK) s = test_on_both(e, NULL, step, last);
    if (s == PT_OK && last && e->sizes.n_train > 0)
        s = test_on(e, NULL, PT_ROWS_TRAIN, step, last, e->sizes.n_train);
    return s;
}

pt_status pt_evaluate_second(const pt_evaluation *e, const pt_second *second,
                             uint64_t step, bool last)
{
    return test_on_both(e, second, step, last);
}
