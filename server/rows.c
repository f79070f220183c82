#include "server/serve_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"

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
    if (last || s->run->config->run->keep_best) /* the hook writes HDF5 files */
        st = st == PT_OK ? pt_server_free_library(s) : st;
    if (st == PT_OK && s->tests.n_validation > 0)
        st = test_on(s, PT_ROWS_VALIDATION, last, s->tests.n_validation);
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
        r->given.feature_mean[d] = (float)mean;
        r->given.feature_std[d] = (float)sqrt(m2 / (double)n);
    }
}

/* sum [n] += softmax(z). */
static void add_softmax(const float *z, size_t n, double *room, double *sum)
{
    double max = z[0], all = 0;

    for (size_t i = 1; i < n; i++)
        if (z[i] > max) max = z[i];
    for (size_t i = 0; i < n; i++) all += room[i] = pt_exp(z[i] - max);
    for (size_t i = 0; i < n; i++) sum[i] += room[i] / all;
}

/* Co-Tuning: answers rows [n][classes] to log p(source class | label). A class without an
 * image gets equal probabilities. */
static pt_status relate(const pt_run *r, const float *rows, size_t n, size_t classes)
{
    size_t targets = (size_t)r->graph->n_classes;
    double *room = pt_calloc(classes, sizeof *room);
    double *sum = pt_calloc(pt_mul(targets, classes), sizeof *sum);
    double *images = pt_calloc(targets, sizeof *images);
    pt_status st = room && sum && images
                       ? PT_OK
                       : pt_fail(PT_ERR_NOMEM, "no memory for the relation of classes");

    for (size_t i = 0; i < n && st == PT_OK; i++) {
        size_t label = (size_t)r->given.labels[i];

        add_softmax(rows + i * classes, classes, room, sum + label * classes);
        images[label]++;
    }
    for (size_t k = 0; k < targets * classes && st == PT_OK; k++)
        r->given.responses[k] =
            images[k / classes] > 0 ? (float)pt_log(sum[k] / images[k / classes]) : 0;
    free(room);
    free(sum);
    free(images);
    return st;
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
        if (st == PT_OK && s->run->asks & PT_ASKS_RELATION)
            st = relate(s->run, rows, n, classes);
        else if (st == PT_OK)
            memcpy(s->run->given.responses, rows, floats * sizeof *rows);
        free(rows);
    }
    return st == PT_OK
               ? pt_server_send_all(s, PT_MSG_FEATURES, s->run->given.responses, floats)
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
    if (st == PT_OK) st = pt_coupler_start(s->coupler, rows, s->run->given.labels, n);
    if (st == PT_OK && s->run->given.feature_mean) {
        describe(s->run, rows, n, dims);
        st = pt_server_send_all(s, PT_MSG_FEATURES, s->run->given.feature_mean, dims);
        if (st == PT_OK)
            st = pt_server_send_all(s, PT_MSG_FEATURES, s->run->given.feature_std, dims);
    }
    free(rows);
    return st;
}
