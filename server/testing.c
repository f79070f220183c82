#include "server/testing.h"

#include "server/collect.h"

static bool is_first(const pt_testing *t)
{
    return t->comm->rank == 0;
}

void pt_testing_fini(pt_testing *t)
{
    pt_kept_fini(&t->kept);
}

/* Workers compute with the second set of weights, and get the run's own again. */
static pt_status test_second(pt_testing *t, uint64_t step, bool last)
{
    pt_second second = {pt_server_methods_second_name(t->run),
                        pt_server_methods_second(t->methods)};
    pt_status s = second.name ? pt_update_send(t->update, second.weights) : PT_OK;

    if (s == PT_OK && second.name && last)
        s = pt_collect(t->run, t->comm, pt_server_methods_second(t->methods));
    if (s == PT_OK && second.name && is_first(t))
        s = pt_evaluate_second(&t->evaluation, &second, step, last);
    return s == PT_OK && second.name ? pt_update_send(t->update, t->run->flat) : s;
}

static pt_status test(pt_testing *t, uint64_t step, bool last)
{
    bool files = last || t->run->config->run->keep_best;
    pt_status s = files ? pt_collect(t->run, t->comm, t->run->flat) : PT_OK;

    if (s == PT_OK && is_first(t)) s = pt_evaluate(&t->evaluation, step, last);
    if (s == PT_OK) s = test_second(t, step, last);
    if (s == PT_OK) s = pt_evaluate_end(&t->evaluation);
    if (is_first(t)) pt_step_record_pause(t->record);
    return s;
}

static pt_test_verdict verdict_of(const pt_testing *t, uint64_t step)
{
    const pt_server_hooks *h = t->evaluation.hooks;

    return h->on_tested ? h->on_tested(h->context, step)
                        : (pt_test_verdict){.best = true};
}

/* Rank 0 says what the test means, and all ranks obey. */
static pt_status judge(pt_testing *t, uint64_t step, bool *over)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;
    pt_test_verdict v = {0};
    int n;
    const int *keys = pt_store_keys(t->store, &n);
    pt_status s;

    if (is_first(t)) {
        v = verdict_of(t, step);
        v.over = v.over || *over;
        s = pt_step_record_judge(t->record, step, &v);
    } else {
        s = pt_step_record_take(t->record, &r);
        v = (pt_test_verdict){r.best, r.last};
    }
    *over = v.over;
    if (s == PT_OK && v.best)
        pt_kept_take(&t->kept, t->run, pt_server_methods_second(t->methods), keys, n);
    return s;
}

static void swap(pt_testing *t)
{
    pt_kept_swap(&t->kept, t->run, pt_server_methods_second(t->methods));
    t->handed_over = !t->handed_over;
}

/* The run is over: its weights are those of the best test from now on, which is repeated
 * for the results. */
static pt_status hand_over(pt_testing *t, uint64_t step)
{
    pt_status s;

    pt_saves_end(t->evaluation.saves);
    swap(t);
    s = pt_update_send(t->update, t->run->flat);
    return s == PT_OK ? test(t, step, true) : s;
}

pt_status pt_testing_run(pt_testing *t, uint64_t step, bool *over)
{
    pt_status s;

    if (!pt_run_may_end_early(t->run)) return test(t, step, *over);
    s = test(t, step, false);
    if (s == PT_OK) s = judge(t, step, over);
    return s == PT_OK && *over ? hand_over(t, step) : s;
}

void pt_testing_take_back(pt_testing *t)
{
    if (t->handed_over) swap(t);
}
