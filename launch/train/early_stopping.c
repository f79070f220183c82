#include "launch/train/early_stopping.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "common/base/log.h"
#include "launch/train/metrics.h"

typedef Pt__Config__EarlyStopping options;

static bool is_loss(const options *c)
{
    return c->metric == PT__CONFIG__EARLY_STOPPING__METRIC__LOSS;
}

pt_measure pt_early_measure(const options *c, const pt_score *validation)
{
    if (is_loss(c))
        return (pt_measure){isfinite(validation->ce) ? -validation->ce : -DBL_MAX, 1};
    return (pt_measure){(double)validation->n_right, (double)validation->n};
}

/* Of whole images the quotient is the number that min_delta was written as: 7 of 100 are
 * 0.07. */
static bool improves(const pt_early *e, const options *c, const pt_measure *m)
{
    return m->value > e->reference && (m->value - e->reference) / m->unit >= c->min_delta;
}

pt_test_verdict pt_early_count(pt_early *e, const options *c, uint64_t step,
                               const pt_measure *m)
{
    bool first = e->tests == 0, again = !first && step <= e->last_step;

    if (!again) {
        bool best = first || m->value > e->best, better = first || improves(e, c, m);

        e->tests++;
        e->last_step = step;
        if (best) e->best = m->value;
        if (best) e->best_step = step;
        if (better) e->reference = m->value;
        e->since = better ? 0 : e->since + 1;
    }
    return (pt_test_verdict){.best = e->best_step == step,
                             .over = e->since >= c->patience};
}

/* "accuracy 83.33 %", "loss 0.4123": the best. */
static const char *best_text(const pt_early *e, const pt_setup *u, char out[48])
{
    if (is_loss(u->run->config->early_stopping))
        snprintf(out, 48, "loss %.4f", -e->best);
    else
        snprintf(out, 48, "accuracy %.2f %%", 100 * e->best / (double)u->validation.n);
    return out;
}

static void say_over(const pt_early *e, const pt_setup *u, uint64_t step)
{
    const options *c = u->run->config->early_stopping;
    char by[48] = "", best[48];

    if (c->min_delta > 0) snprintf(by, sizeof by, " by %g", c->min_delta);
    pt_log_info(
        "ends early, after step %llu of %llu: validation %s has not %s%s in the last "
        "%llu test%s; the best was %s, after step %llu",
        (unsigned long long)step + 1, (unsigned long long)u->run->plan->total_steps,
        is_loss(c) ? "loss" : "accuracy", is_loss(c) ? "fallen" : "risen", by,
        (unsigned long long)e->since, e->since == 1 ? "" : "s", best_text(e, u, best),
        (unsigned long long)e->best_step + 1);
}

pt_test_verdict pt_early_tested(pt_early *e, const pt_setup *u, uint64_t step,
                                const pt_score *validation)
{
    const options *c = u->run->config->early_stopping;
    const pt_plan *plan = u->run->plan;
    pt_measure m = pt_early_measure(c, validation);
    pt_test_verdict v = {0};

    if (step < plan->stages[plan->n_stages - 1].first) return v;
    v = pt_early_count(e, c, step, &m);
    if (v.over && step + 1 < plan->total_steps) say_over(e, u, step);
    return v;
}

json_t *pt_early_result(const pt_early *e, const pt_setup *u, uint64_t steps)
{
    bool loss = is_loss(u->run->config->early_stopping);
    double value = loss ? -e->best : e->best / (double)u->validation.n;

    return json_pack("{s:b, s:I, s:s, s:o, s:s}", "ended_early",
                     steps < u->run->plan->total_steps, "step", (json_int_t)e->best_step,
                     "metric", loss ? "loss" : "accuracy", "value",
                     pt_metrics_number(value), "selected_on", "validation");
}

void pt_early_say(const pt_early *e, const pt_setup *u, const pt_score *test)
{
    char best[48], tested[48] = "";

    if (test->n > 0)
        snprintf(tested, sizeof tested, ", test accuracy %.2f %%", 100 * test->top1);
    pt_log_info("model.h5: the model after step %llu, the best by validation: %s%s",
                (unsigned long long)e->best_step + 1, best_text(e, u, best), tested);
}
