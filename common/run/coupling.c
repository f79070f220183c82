#include "common/run/coupling.h"

pt_row pt_row_layout(const pt_run *r)
{
    pt_row row = {0};

    row.probabilities = r->asks & PT_SENDS_LABEL ? 1 : 0;
    row.rep = row.probabilities;
    if (r->asks & PT_SENDS_PROBABILITIES) row.rep += (size_t)r->graph->n_classes;
    row.total = row.rep;
    if (r->asks & PT_SENDS_REP) row.total += (size_t)pt_run_rep_size(r);
    return row;
}

pt_terms pt_terms_layout(const pt_run *r, int n_images)
{
    size_t classes = (size_t)r->graph->n_classes, dims = (size_t)pt_run_rep_size(r);
    pt_terms t = {0};

    for (int m = 0; m < PT_N_METHODS && n_images > 0; m++) {
        t.at[m] = t.total;
        if (pt_methods[m].is_on(r->config))
            t.total += pt_methods[m].terms(r->config, classes, dims, (size_t)n_images);
    }
    return t;
}

size_t pt_terms_doubles(const pt_run *r, int n_images)
{
    return pt_terms_layout(r, n_images).total;
}
