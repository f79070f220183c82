#include "server/given.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean and deviation of every dimension over the images, in image order, in double. */
static void describe(pt_run *r, const float *rows, size_t n, size_t dims)
{
    for (size_t d = 0; d < dims; d++) {
        double mean = 0, m2 = 0;

        for (size_t i = 0; i < n; i++) mean += rows[i * dims + d];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) {
            double e = rows[i * dims + d] - mean;
            m2 += e * e;
        }
        r->given.feature_mean[d] = (float)mean;
        r->given.feature_std[d] = (float)sqrt(m2 / (double)n);
    }
}

pt_status pt_given_answers(pt_workers *w, pt_run *run)
{
    size_t classes = (size_t)pt_graph_source_classes(run->graph);
    size_t n = run->plan->n_images, floats = pt_run_response_floats(run);
    float *rows = NULL;
    pt_status s = PT_OK;

    if (floats == 0) return PT_OK;
    if (run->first_step == 0) {
        s = pt_workers_take_rows(w, n, classes, &rows);
        if (s == PT_OK && run->asks & PT_ASKS_RELATION)
            s = pt_server_methods_relate(run, rows, n, classes);
        else if (s == PT_OK)
            memcpy(run->given.responses, rows, floats * sizeof *rows);
        free(rows);
    }
    return s == PT_OK ? pt_workers_send(w, PT_MSG_FEATURES, run->given.responses, floats)
                      : s;
}

pt_status pt_given_features(pt_workers *w, pt_run *run, pt_server_methods *m)
{
    size_t dims = (size_t)pt_run_rep_size(run), n = run->plan->n_images;
    float *rows;
    pt_status s;

    if (run->first_step > 0 || !(run->asks & (PT_ASKS_FEATURES | PT_ASKS_MOMENTS)))
        return PT_OK;
    s = pt_workers_take_rows(w, n, dims, &rows);
    if (s == PT_OK) s = pt_server_methods_start(m, rows, n);
    if (s == PT_OK && run->given.feature_mean) {
        describe(run, rows, n, dims);
        s = pt_workers_send(w, PT_MSG_FEATURES, run->given.feature_mean, dims);
        if (s == PT_OK)
            s = pt_workers_send(w, PT_MSG_FEATURES, run->given.feature_std, dims);
    }
    free(rows);
    return s;
}
