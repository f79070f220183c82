#include "launch/train/journal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/train/best.h"
#include "launch/train/early_stopping.h"
#include "launch/train/events.h"
#include "launch/train/goodput.h"
#include "launch/train/metrics.h"
#include "launch/train/outputs.h"
#include "launch/train/pacing.h"
#include "launch/train/predictions.h"
#include "launch/train/result.h"
#include "launch/train/run_dir.h"
#include "launch/train/second.h"
#include "launch/train/step_line.h"
#include "launch/train/stragglers.h"
#include "launch/train/times.h"
#include "worker/objective/cross_entropy.h"

struct pt_journal {
    const pt_setup *u;
    pt_metrics *metrics;
    pt_events *events; /* NULL: none */
    double started;
    pt_pacing pacing;
    uint64_t steps, skipped;
    pt_tally tally; /* its seconds: of the jobs before this one */
    pt_server_costs costs;
    bool has_model; /* model.h5 is that of the last step */
    pt_best_writer best;
    double *ratios;                /* [batch] scratch */
    pt_score scores[PT_ROWS_SETS]; /* of the last test */
    pt_second_journal second;
    char predictions_hash[65];
    pt_times times; /* of this job */
    pt_bound bound; /* the same */
    pt_jobs jobs;
};

void pt_journal_destroy(pt_journal **j)
{
    if (!j || !*j) return;
    pt_metrics_close(&(*j)->metrics);
    pt_events_close(&(*j)->events);
    for (int k = 0; k < PT_ROWS_SETS; k++) pt_score_fini(&(*j)->scores[k]);
    pt_second_journal_fini(&(*j)->second);
    free((*j)->ratios);
    free((*j)->best.flat);
    pt_times_fini(&(*j)->times);
    pt_jobs_fini(&(*j)->jobs);
    free(*j);
    *j = NULL;
}

/* ---- counts ----------------------------------------------------------------------- */

static void count_step(pt_journal *j, uint64_t step, bool gate, double w, bool skipped,
                       double seconds, uint64_t images)
{
    pt_tally *t = &j->tally;

    j->steps++;
    j->skipped += skipped;
    if (gate && t->gate_opened == 0) t->gate_opened = step + 1;
    if (w > 0 && isfinite(w)) {
        t->w_sum += w;
        t->w_steps++;
    }
    if (seconds > 0) {
        t->step_seconds += seconds;
        t->timed_images += images;
    }
}

static double number_of(const json_t *line, const char *name)
{
    return json_number_value(json_object_get(line, name));
}

/* A line of a run whose checkpoint has no tally. An accuracy has nine digits, which give
 * the count of right images exactly. */
static void recount(void *context, const json_t *line)
{
    pt_journal *j = context;
    const char *test = json_string_value(json_object_get(line, "test_of"));
    uint64_t step = (uint64_t)number_of(line, "step");

    if (!test) {
        count_step(j, step, json_is_true(json_object_get(line, "gate")),
                   number_of(line, "w"), json_is_true(json_object_get(line, "skipped")),
                   number_of(line, "seconds"), (uint64_t)number_of(line, "images"));
        j->tally.seconds += number_of(line, "seconds");
    } else if (strcmp(test, "test") == 0) {
        pt_best *best = &j->tally.best;
        double right = number_of(line, "accuracy") * (double)j->u->n_test;

        if (pt_best_offer(best, step, (uint64_t)llround(right), j->u->n_test)) {
            best->test_right = best->right; /* it chose */
            best->test_images = best->images;
        }
    }
}

/* What was counted before this job. */
static pt_status go_on(pt_journal *j, const char *path, const pt_progress *from)
{
    const Pt__Config__Run *c = j->u->run->config->run;
    bool known = from->tally.known;
    pt_metrics_kept lines;
    pt_status s = pt_jobs_open(c->dir, j->u->started, from->tally.seconds, &j->jobs);

    j->tally = from->tally;
    if (s == PT_OK)
        s = pt_metrics_keep(path, j->u->run->first_step, from->test_owed,
                            known ? NULL : recount, j, &lines);
    if (s != PT_OK) return s;
    pt_jobs_begin(&j->jobs, lines.lost, lines.lost_s);
    if (lines.steps < j->u->run->first_step)
        pt_log_warn("%s: has lines for %llu of %llu completed steps", path,
                    (unsigned long long)lines.steps,
                    (unsigned long long)j->u->run->first_step);
    j->steps = j->u->run->first_step;
    j->skipped = from->skipped;
    return c->keep_best ? pt_best_check(c->dir, &j->tally.best) : PT_OK;
}

/* For TensorBoard, if it is wanted. */
static pt_status open_events(pt_journal *j, bool test_owed)
{
    const pt_run *r = j->u->run;
    pt_status s;

    if (!r->config->run->tensorboard) return PT_OK;
    s = pt_events_open(r->config->run->dir, r->first_step, test_owed, &j->events);
    if (s != PT_OK) return s;
    if (r->first_step == 0)
        pt_events_pictures(j->events, j->u->data, r->plan->images, r->plan->n_images);
    pt_metrics_also(j->metrics, pt_events_line, j->events);
    return PT_OK;
}

pt_status pt_journal_create(const pt_setup *u, const pt_progress *from, pt_journal **out)
{
    pt_journal *j = pt_calloc(1, sizeof *j);
    char *path = pt_file_path(u->run->config->run->dir, "metrics.jsonl");
    pt_status s = PT_OK;

    *out = NULL;
    if (!j || !path) {
        free(path);
        free(j);
        return pt_fail(PT_ERR_NOMEM, "no memory for the journal");
    }
    j->u = u;
    j->best = (pt_best_writer){.u = u, .best = &j->tally.best};
    j->started = pt_clock();
    pt_pacing_init(&j->pacing, u->run);
    j->ratios = pt_calloc((size_t)u->run->plan->batch, sizeof *j->ratios);
    s = go_on(j, path, from);
    if (s == PT_OK) s = pt_metrics_open(path, &j->metrics);
    if (s == PT_OK) s = open_events(j, from->test_owed);
    if (!j->ratios) s = pt_fail(PT_ERR_NOMEM, "no memory for the journal");
    if (s == PT_OK) s = pt_times_init(&j->times, u->run->n_workers);
    free(path);
    if (s == PT_OK) {
        *out = j;
        j = NULL;
    }
    pt_journal_destroy(&j);
    return s;
}

static void count(pt_journal *j, const pt_step_report *r)
{
    count_step(j, r->step, r->gate, r->w, r->skipped != NULL, r->seconds,
               (uint64_t)r->images);
    j->costs = r->costs;
    pt_bound_add(&j->bound, j->u->run, &j->u->rates, r->step);
}

/* Of the steps that were kept, at the mean speed of those that were timed. */
static double seconds_kept(const pt_journal *j)
{
    const pt_tally *t = &j->tally;
    double images = 0;

    for (uint64_t k = 0; k < j->steps; k++)
        images += pt_plan_batch_size(j->u->run->plan, k);
    return t->timed_images > 0 ? images * t->step_seconds / (double)t->timed_images : 0;
}

static double speed(const pt_journal *j)
{
    const pt_tally *t = &j->tally;

    return t->step_seconds > 0 ? (double)t->timed_images / t->step_seconds : 0;
}

/* What a person sees of the step. */
static void print_step(pt_journal *j, const pt_step_report *r)
{
    const pt_plan *plan = j->u->run->plan;

    if (r->gate && j->tally.gate_opened == r->step + 1)
        pt_log_info("step %llu/%llu: the gate opened (moving average of CE %.3f)",
                    (unsigned long long)r->step + 1,
                    (unsigned long long)plan->total_steps, r->ema);
    pt_pacing_step(&j->pacing, r, speed(j), pt_times_exposed(&j->times));
}

static pt_status on_step(void *context, const pt_step_report *r)
{
    pt_journal *j = context;
    pt_split split = pt_times_add(&j->times, r->times);
    json_t *line;

    if (r->skipped) pt_log_warn("%s: skipped", r->skipped);
    count(j, r);
    line = pt_step_line(r, &split, j->ratios);
    print_step(j, r);
    return pt_metrics_put(j->metrics, line);
}

/* ---- what is written of the model and its tests ------------------------------------ */

static pt_status write_model(void *context)
{
    pt_journal *j = context;
    pt_status s = pt_outputs_model(j->u, j->u->run->flat, "model.h5");

    j->has_model = s == PT_OK;
    return s;
}

/* The split whose accuracy decides which model is the best. */
static pt_rows_of selector(const pt_journal *j)
{
    return j->u->validation.n > 0 ? PT_ROWS_VALIDATION : PT_ROWS_TEST;
}

/* Is this the best model so far? Then it is best.h5. */
static pt_status keep_best(pt_journal *j, pt_rows_of set, uint64_t step)
{
    const pt_score *score = &j->scores[set];
    pt_best *best = &j->tally.best;
    pt_status s = PT_OK;

    if (!j->u->run->config->run->keep_best) return PT_OK;
    if (set == selector(j))
        s = pt_best_offer(best, step, score->n_right, score->n) ? pt_best_keep(&j->best)
                                                                : pt_best_try(&j->best);
    if (set == PT_ROWS_TEST && best->step == step) {
        best->test_right = score->n_right;
        best->test_images = score->n;
    }
    return s;
}

/* Outputs of the network for a set of images. */
typedef struct {
    const pt_setup *u;
    pt_rows_of set;
    const float *logits;
    size_t n;
    char hash[65];
} rows;

static pt_status write_rows(void *context)
{
    rows *r = context;

    return pt_predictions_write(
        r->u->run->config->run->dir,
        r->set == PT_ROWS_TEST ? "predictions.h5" : "train_predictions.h5", r->u->data,
        pt_rows_images(r->u, r->set), r->n, r->logits, r->hash);
}

/* After the last step: the model before anything else, which may find no space. */
static pt_status write_last(pt_journal *j, pt_rows_of set, const float *logits, size_t n)
{
    rows r = {.u = j->u, .set = set, .logits = logits, .n = n};
    pt_status s = PT_OK;

    if (!j->has_model) s = pt_outputs_insist(j->u, write_model, j);
    if (s == PT_OK) s = pt_outputs_insist(j->u, pt_best_write, &j->best);
    if (s != PT_OK || set == PT_ROWS_VALIDATION) return s;
    s = pt_outputs_insist(j->u, write_rows, &r);
    if (set == PT_ROWS_TEST)
        snprintf(j->predictions_hash, sizeof j->predictions_hash, "%s", r.hash);
    return s;
}

/* Is this the test of the weights that a run hands on which may end early? They have been
 * tested before, which is in metrics.jsonl. */
static bool repeats(const pt_journal *j, bool last)
{
    return last && pt_run_may_end_early(j->u->run);
}

static pt_status on_rows(void *context, pt_rows_of set, uint64_t step, bool last,
                         const float *logits, size_t n)
{
    pt_journal *j = context;
    pt_score *score = &j->scores[set];
    bool again = repeats(j, last);
    pt_status s;
    json_t *line;

    if (again) step = j->tally.early.best_step;
    pt_score_fini(score);
    s = pt_score_rows(j->u->data, pt_rows_images(j->u, set), n, logits, score);
    if (s != PT_OK) return s;
    if (!again || set == PT_ROWS_TRAIN)
        pt_log_info(
            "%s after step %llu: accuracy %.2f %%, top-5 %.2f %%, ce %.4f (%zu images)",
            pt_rows_name(set), (unsigned long long)step + 1, 100 * score->top1,
            100 * score->top5, score->ce, n);
    s = again ? PT_OK : keep_best(j, set, step);
    if (s == PT_OK && last) s = write_last(j, set, logits, n);
    if (s != PT_OK || again) return s;
    line = pt_score_line(json_pack("{s:s}", "test_of", pt_rows_name(set)), step, score);
    if (line) json_object_set_new(line, "per_class", pt_score_per_class(score));
    return pt_metrics_put(j->metrics, line);
}

static pt_status on_second(void *context, const pt_second *second, pt_rows_of set,
                           uint64_t step, bool last, const float *logits, size_t n)
{
    pt_journal *j = context;
    bool again = repeats(j, last);

    return pt_second_tested(&j->second, j->u, again ? NULL : j->metrics, second, set,
                            again ? j->tally.early.best_step : step, logits, n);
}

static pt_status on_second_end(void *context, const pt_second *second)
{
    pt_journal *j = context;

    return pt_second_write(&j->second, j->u, second);
}

static pt_test_verdict on_tested(void *context, uint64_t step)
{
    pt_journal *j = context;

    pt_test_verdict v =
        pt_early_tested(&j->tally.early, j->u, step, &j->scores[PT_ROWS_VALIDATION]);

    if (v.over) pt_pacing_over(&j->pacing);
    return v;
}

static double seconds_of(const pt_journal *j)
{
    return j->tally.seconds + pt_clock() - j->started;
}

/* The lines of completed steps reach the disk before the checkpoint, if possible; what
 * the checkpoint needs of them is in the tally. */
static pt_status on_save(void *context, uint64_t next, pt_tally *tally)
{
    pt_journal *j = context;
    pt_status s = pt_best_try(&j->best);

    *tally = j->tally;
    tally->known = true;
    tally->seconds = seconds_of(j);
    pt_metrics_save(j->metrics);
    return s;
}

pt_server_hooks pt_journal_hooks(pt_journal *j)
{
    return (pt_server_hooks){j,         on_step, on_rows, on_second, on_second_end,
                             on_tested, on_save};
}

/* The cost of checkpoints and skip_all, if used. */
static void log_costs(const pt_journal *j)
{
    double seconds = pt_clock() - j->started;

    if (j->costs.missed > 0)
        pt_log_info("checkpoints: %d written, %d due but not written", j->costs.saves,
                    j->costs.missed);
    else if (j->costs.saves > 0)
        pt_log_info("checkpoints: %d written, the steps waited %.2f s for them (%.2f %%)",
                    j->costs.saves, j->costs.save_s, 100 * j->costs.save_s / seconds);
    if (j->costs.held_s > 0)
        pt_log_info("%s: weights that were ready waited %.2f s for the other "
                    "gradients (%.2f %%)",
                    j->u->run->config->optimizer->clip_norm > 0 ? "clip_norm"
                                                                : "skip_all",
                    j->costs.held_s, 100 * j->costs.held_s / seconds);
    if (j->skipped > 0)
        pt_log_info("%llu steps were skipped: their numbers were not finite",
                    (unsigned long long)j->skipped);
}

void pt_journal_stopped(pt_journal *j)
{
    pt_jobs_end(&j->jobs);
    pt_log_info("stopped after step %llu of %llu, checkpoint written; run the same "
                "command again to resume",
                (unsigned long long)j->steps,
                (unsigned long long)j->u->run->plan->total_steps);
}

typedef struct {
    pt_journal *journal;
    const pt_result_facts *facts;
} ending;

/* The last file of all; before it the kept lines. */
static pt_status write_result(void *context)
{
    const ending *e = context;
    pt_status s = pt_metrics_sync(e->journal->metrics);

    return s == PT_OK ? pt_run_dir_write_json(e->journal->u->run->config->run->dir,
                                              "result.json", pt_result_create(e->facts))
                      : s;
}

/* What a person reads of a run that has ended. */
static void say_end(const pt_journal *j, const pt_result_facts *facts)
{
    const pt_run *r = j->u->run;
    const pt_tally *t = &j->tally;
    const double *times = j->times.sum.of;
    double all = pt_times_all(times);

    if (r->config->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE) {
        if (t->gate_opened)
            pt_log_info("gate opened at step %llu; mean w %.4g over %llu steps",
                        (unsigned long long)t->gate_opened,
                        t->w_steps ? t->w_sum / (double)t->w_steps : 0,
                        (unsigned long long)t->w_steps);
        else
            pt_log_info("the gate never opened: this was plain fine-tuning");
    }
    if (all > 0)
        pt_log_info(
            "time %.1f s, %.1f images/s; workers: %.0f %% computing, %.0f %% waiting for "
            "others, %.0f %% for input",
            facts->seconds, facts->images_per_s, 100 * times[PT_TIME_COMPUTE] / all,
            100 * pt_times_waited(times) / all, 100 * times[PT_TIME_INPUT] / all);
    pt_communication_say(facts->communication);
    pt_stragglers_say(&j->times, r->n_servers, pt_job_host_of);
    pt_goodput_say(facts->goodput);
    log_costs(j);
    if (pt_run_may_end_early(r)) pt_early_say(&t->early, j->u, &j->scores[PT_ROWS_TEST]);
    pt_result_say_best(facts);
    pt_log_info("weight hash      %s", facts->weight_hash);
    if (*facts->predictions_hash)
        pt_log_info("predictions hash %s", facts->predictions_hash);
    pt_log_info("results in %s", r->config->run->dir);
}

pt_status pt_journal_finish(pt_journal *j, const pt_server_costs *costs,
                            const pt_waits *waits)
{
    const pt_run *r = j->u->run;
    char hash[65] = "";
    const pt_communication traffic = {r, &j->u->rates, &j->times, waits, &j->bound};
    pt_goodput goodput;
    const pt_result_facts facts = {
        j->u, &j->tally,           j->scores,  j->steps, seconds_of(j), speed(j),
        hash, j->predictions_hash, &j->second, &traffic, &goodput};
    pt_status s = pt_graph_hash(r->graph, r->flat, hash);

    j->costs = *costs;
    if (s == PT_OK && !j->has_model) s = pt_outputs_insist(j->u, write_model, j);
    pt_jobs_end(&j->jobs);
    goodput = pt_goodput_of(&j->jobs, seconds_kept(j));
    if (s == PT_OK) s = pt_outputs_insist(j->u, write_result, &(ending){j, &facts});
    if (s == PT_OK) say_end(j, &facts);
    return s;
}
