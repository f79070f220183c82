#include "launch/train/result.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/train/best.h"
#include "launch/train/early_stopping.h"
#include "launch/train/metrics.h"
#include "launch/train/stragglers.h"

static void set_number(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, pt_metrics_number(x));
}

static double share(uint64_t right, uint64_t of)
{
    return of > 0 ? (double)right / (double)of : 0;
}

static bool has_best(const pt_result_facts *f)
{
    return f->setup->run->config->run->keep_best && f->tally->best.images > 0;
}

static const char *selector(const pt_result_facts *f)
{
    return f->setup->validation.n > 0 ? "validation" : "test";
}

static json_t *best_of(const pt_result_facts *f)
{
    const pt_best *b = &f->tally->best;

    return json_pack(
        "{s:I, s:s, s:o, s:o}", "step", (json_int_t)b->step, "selected_on", selector(f),
        "accuracy", pt_metrics_number(share(b->right, b->images)), "test_accuracy",
        b->test_images > 0 ? pt_metrics_number(share(b->test_right, b->test_images))
                           : json_null());
}

/* How the steps of the last job spent their time; nothing if there were none. */
static void add_times(json_t *r, const pt_communication *c)
{
    if (c->times->steps == 0) return;
    json_object_set_new(r, "communication", pt_communication_json(c));
    json_object_set_new(r, "ranks",
                        pt_stragglers_json(c->times, c->waits, pt_job_host_of));
}

json_t *pt_result_create(const pt_result_facts *f)
{
    const pt_tally *t = f->tally;
    const pt_score *test = &f->scores[PT_ROWS_TEST], *train = &f->scores[PT_ROWS_TRAIN],
                   *validation = &f->scores[PT_ROWS_VALIDATION];
    json_t *r = json_pack(
        "{s:o, s:o, s:o, s:s, s:s?, s:I, s:o, s:o, s:I}", "test_accuracy",
        pt_score_number(test, test->top1), "test_top5", pt_score_number(test, test->top5),
        "test_ce", pt_score_number(test, test->ce), "weight_hash", f->weight_hash,
        "predictions_hash", test->n > 0 ? f->predictions_hash : NULL, "steps",
        (json_int_t)f->steps, "seconds", pt_metrics_number(f->seconds), "images_per_s",
        pt_metrics_number(f->images_per_s), "gate_opened_at",
        t->gate_opened ? (json_int_t)t->gate_opened - 1 : (json_int_t)-1);

    if (!r) return NULL;
    json_object_set_new(r, "mean_w",
                        t->w_steps ? pt_metrics_number(t->w_sum / (double)t->w_steps)
                                   : json_null());
    json_object_set_new(r, "steps_with_w", json_integer((json_int_t)t->w_steps));
    if (train->n > 0) set_number(r, "train_accuracy", train->top1);
    if (validation->n > 0) {
        set_number(r, "validation_accuracy", validation->top1);
        set_number(r, "validation_top5", validation->top5);
        set_number(r, "validation_ce", validation->ce);
    }
    if (pt_run_may_end_early(f->setup->run))
        json_object_set_new(r, "early_stopping",
                            pt_early_result(&t->early, f->setup, f->steps));
    if (has_best(f)) json_object_set_new(r, "best", best_of(f));
    if (f->second->name)
        json_object_set_new(r, f->second->name, pt_second_result(f->second));
    add_times(r, f->communication);
    json_object_set_new(r, "goodput", pt_goodput_json(f->goodput));
    json_object_set_new(r, "per_class", pt_score_per_class(test));
    return r;
}

void pt_result_say_best(const pt_result_facts *f)
{
    const pt_best *b = &f->tally->best;

    char test[64] = "";

    if (!has_best(f)) return;
    if (f->setup->validation.n > 0 && b->test_images > 0)
        snprintf(test, sizeof test, ", test accuracy %.2f %%",
                 100 * share(b->test_right, b->test_images));
    pt_log_info(PT_BEST_FILE ": the model after step %llu, %s accuracy %.2f %%%s",
                (unsigned long long)b->step + 1, selector(f),
                100 * share(b->right, b->images), test);
}
