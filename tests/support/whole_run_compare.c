#include <stdio.h>
#include <string.h>

#include "common/run/wire.h"
#include "tests/support/whole_run.h"

enum { N_NUMBERS = 18 };

static void numbers_of(const pt_step_report *r, double out[N_NUMBERS])
{
    const pt_batch_means *m = &r->means;
    const double x[N_NUMBERS] = {
        (double)r->step, r->epoch,   (double)r->stage, r->images, m->ce,
        m->accuracy,     m->g_ce,    m->g_ptr,         m->l_ptr,  m->rep,
        m->cosine,       m->bad,     r->ema,           r->w,      r->gate,
        r->lr,           r->head_lr, r->gradient_norm};

    memcpy(out, x, sizeof x);
}

static bool steps_differ(const whole_run_step *a, const whole_run_step *b)
{
    double x[N_NUMBERS], y[N_NUMBERS];

    numbers_of(&a->report, x);
    numbers_of(&b->report, y);
    return memcmp(x, y, sizeof x) != 0 ||
           memcmp(a->report.norms, b->report.norms,
                  (size_t)a->report.images * sizeof *a->report.norms) != 0;
}

static bool rows_differ(const float *a, const float *b, size_t n)
{
    if (!a || !b) return a != b;
    return memcmp(a, b, n * WHOLE_RUN_CLASSES * sizeof *a) != 0;
}

const char *whole_run_difference(const whole_run *a, const whole_run *b)
{
    static char text[128];
    const pt_graph *g = a->run->graph;

    if (a->n_steps != b->n_steps) return "the number of steps";
    for (int k = a->first_step > b->first_step ? a->first_step : b->first_step;
         k < a->n_steps; k++)
        if (steps_differ(&a->steps[k], &b->steps[k])) {
            snprintf(text, sizeof text, "the numbers of step %d", k);
            return text;
        }
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (memcmp(a->run->flat + t->offset, b->run->flat + t->offset,
                   t->count * sizeof(float)) == 0)
            continue;
        snprintf(text, sizeof text, "%s", t->name);
        return text;
    }
    if (rows_differ(a->logits, b->logits, (size_t)a->n_test)) return "logits";
    if (rows_differ(a->second_logits, b->second_logits, (size_t)a->n_test))
        return "logits of the second weights";
    if (rows_differ(a->train_logits, b->train_logits, (size_t)a->n_train))
        return "logits of the training images";
    return NULL;
}
