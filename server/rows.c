#include "server/serve_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows [n][dims] that workers compute block by block; *rows is malloc'd. */
static pt_status take_rows(pt_server *s, size_t n, size_t dims, float **rows)
{
    size_t blocks = (n + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    pt_request *r = pt_calloc(blocks, sizeof *r);
    pt_status st = PT_OK;

    *rows = pt_calloc(pt_mul(n, dims), sizeof **rows);
    if (!r || !*rows)
        st = pt_fail(PT_ERR_NOMEM, "no memory for the outputs of %zu images", n);
    for (size_t b = 0; b < blocks && st == PT_OK; b++) {
        size_t first = b * PT_EVAL_BLOCK;
        size_t some = n - first < PT_EVAL_BLOCK ? n - first : PT_EVAL_BLOCK;
        int peer = s->run->n_servers + (int)(b % (size_t)s->run->n_workers);

        st = pt_comm_recv(s->comm, peer, PT_MSG_ROWS, (int)b, *rows + first * dims,
                          some * dims * sizeof **rows, &r[b]);
    }
    if (st == PT_OK) st = pt_comm_wait(s->comm, r, blocks);
    free(r);
    if (st != PT_OK) {
        free(*rows);
        *rows = NULL;
    }
    return st;
}

static pt_status test_on(pt_server *s, pt_rows_of set, bool last, size_t n)
{
    float *rows;
    pt_status st = take_rows(s, n, (size_t)s->run->graph->n_classes, &rows);

    if (st == PT_OK && s->hooks.on_rows)
        st = s->hooks.on_rows(s->hooks.context, set, s->step, last, rows, n);
    free(rows);
    return st;
}

pt_status pt_server_evaluate(pt_server *s, bool last)
{
    pt_status st = s->comm->rank == 0 ? pt_server_send_running(s) : PT_OK;

    if (s->comm->rank != 0) return PT_OK;
    if (st == PT_OK) st = test_on(s, PT_ROWS_TEST, last, s->tests.n_test);
    if (st == PT_OK && last && s->tests.n_train > 0)
        st = test_on(s, PT_ROWS_TRAIN, last, s->tests.n_train);
    s->last_record_s = 0; /* testing does not count as step time */
    return st;
}

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
        r->feature_mean[d] = (float)mean;
        r->feature_std[d] = (float)sqrt(m2 / (double)n);
    }
}

/* What the start weights answer to the images used for training. */
pt_status pt_server_measure_responses(pt_server *s)
{
    const pt_graph *g = s->run->graph;
    size_t n = s->run->plan->n_images, classes, floats = pt_run_response_floats(s->run);
    float *rows = NULL;
    pt_status st = PT_OK;

    if (s->comm->rank != 0 || floats == 0) return PT_OK;
    classes = (size_t)g->nodes[g->source_logits].c;
    if (s->run->first_step == 0) {
        st = take_rows(s, n, classes, &rows);
        if (st == PT_OK) memcpy(s->run->responses, rows, floats * sizeof *rows);
        free(rows);
    }
    return st == PT_OK ? pt_server_send_all(s, PT_MSG_FEATURES, s->run->responses, floats)
                       : st;
}

/* The pretrained features of the images used for training. */
pt_status pt_server_measure_features(pt_server *s)
{
    size_t dims = (size_t)pt_run_rep_size(s->run), n = s->run->plan->n_images;
    float *rows;
    pt_status st;

    if (s->comm->rank != 0) return PT_OK;
    st = take_rows(s, n, dims, &rows);
    if (st == PT_OK) pt_coupler_start(s->coupler, rows, s->run->labels, n);
    if (st == PT_OK && s->run->feature_mean) {
        describe(s->run, rows, n, dims);
        st = pt_server_send_all(s, PT_MSG_FEATURES, s->run->feature_mean, dims);
        if (st == PT_OK)
            st = pt_server_send_all(s, PT_MSG_FEATURES, s->run->feature_std, dims);
    }
    free(rows);
    return st;
}
