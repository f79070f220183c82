#include "launch/train/second.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "launch/train/outputs.h"

void pt_second_journal_fini(pt_second_journal *j)
{
    for (int k = 0; k < PT_ROWS_SETS; k++) pt_score_fini(&j->scores[k]);
}

pt_status pt_second_tested(pt_second_journal *j, const pt_setup *u, pt_metrics *metrics,
                           const pt_second *second, pt_rows_of set, uint64_t step,
                           const float *logits, size_t n)
{
    pt_score *score = &j->scores[set];
    pt_status s;

    j->name = second->name;
    pt_score_fini(score);
    s = pt_score_rows(u->data, pt_rows_images(u, set), n, logits, score);
    if (s != PT_OK) return s;
    if (!metrics) return PT_OK;
    pt_log_info("%s of %s after step %llu: accuracy %.2f %%, top-5 %.2f %%, ce %.4f",
                pt_rows_name(set), j->name, (unsigned long long)step + 1,
                100 * score->top1, 100 * score->top5, score->ce);
    return pt_metrics_put(metrics,
                          pt_score_line(json_pack("{s:s, s:s}", "weights", j->name,
                                                  "tested_on", pt_rows_name(set)),
                                        step, score));
}

/* A model that may have to be written again (pt_outputs_insist). */
typedef struct {
    const pt_setup *u;
    const float *flat;
    char file[64];
} model;

static pt_status write_model(void *context)
{
    const model *m = context;

    return pt_outputs_model(m->u, m->flat, m->file);
}

pt_status pt_second_write(pt_second_journal *j, const pt_setup *u,
                          const pt_second *second)
{
    const pt_graph *g = u->run->graph;
    size_t params = g->n_param_floats, running = g->n_floats - params;
    float *flat = pt_calloc(g->n_floats, sizeof *flat);
    model m = {.u = u, .flat = flat};
    pt_status s;

    j->name = second->name;
    if (!flat) return pt_fail(PT_ERR_NOMEM, "no memory for the model of %s", j->name);
    memcpy(flat, second->weights, params * sizeof *flat);
    memcpy(flat + params, u->run->flat + params, running * sizeof *flat);
    snprintf(m.file, sizeof m.file, "%s.h5", second->name);
    s = pt_graph_hash(g, flat, j->weight_hash);
    if (s == PT_OK) s = pt_outputs_insist(u, write_model, &m);
    free(flat);
    return s;
}

json_t *pt_second_result(const pt_second_journal *j)
{
    const pt_score *test = &j->scores[PT_ROWS_TEST],
                   *validation = &j->scores[PT_ROWS_VALIDATION];
    json_t *r = json_pack("{s:o, s:o, s:o, s:s}", "test_accuracy",
                          pt_score_number(test, test->top1), "test_top5",
                          pt_score_number(test, test->top5), "test_ce",
                          pt_score_number(test, test->ce), "weight_hash", j->weight_hash);

    if (r && validation->n > 0)
        json_object_set_new(r, "validation_accuracy",
                            pt_metrics_number(validation->top1));
    return r;
}
