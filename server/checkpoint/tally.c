#include "server/checkpoint/tally.h"

#include <stdio.h>

static json_t *early_to_json(const pt_early *e)
{
    return json_pack("{s:I, s:I, s:I, s:f, s:f, s:I}", "tests", (json_int_t)e->tests,
                     "last_step", (json_int_t)e->last_step, "best_step",
                     (json_int_t)e->best_step, "best", e->best, "reference", e->reference,
                     "since", (json_int_t)e->since);
}

json_t *pt_tally_to_json(const pt_tally *t)
{
    const pt_best *b = &t->best;
    json_t *all =
        json_pack("{s:I, s:f, s:I, s:f, s:f, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:s}}",
                  "gate_opened", (json_int_t)t->gate_opened, "w_sum", t->w_sum, "w_steps",
                  (json_int_t)t->w_steps, "seconds", t->seconds, "step_seconds",
                  t->step_seconds, "timed_images", (json_int_t)t->timed_images, "best",
                  "step", (json_int_t)b->step, "right", (json_int_t)b->right, "images",
                  (json_int_t)b->images, "test_right", (json_int_t)b->test_right,
                  "test_images", (json_int_t)b->test_images, "digest", b->digest);

    if (all && t->early.tests > 0)
        json_object_set_new(all, "early_stopping", early_to_json(&t->early));
    return all;
}

static uint64_t count(const json_t *j, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(j, name));
}

static double real(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

static pt_early early_of_json(const json_t *j)
{
    return (pt_early){.tests = count(j, "tests"),
                      .last_step = count(j, "last_step"),
                      .best_step = count(j, "best_step"),
                      .best = real(j, "best"),
                      .reference = real(j, "reference"),
                      .since = count(j, "since")};
}

pt_tally pt_tally_of_json(const json_t *j)
{
    const json_t *best = json_object_get(j, "best");
    const char *digest = json_string_value(json_object_get(best, "digest"));
    pt_tally t = {.known = json_is_object(j),
                  .gate_opened = count(j, "gate_opened"),
                  .w_sum = real(j, "w_sum"),
                  .w_steps = count(j, "w_steps"),
                  .seconds = real(j, "seconds"),
                  .step_seconds = real(j, "step_seconds"),
                  .timed_images = count(j, "timed_images"),
                  .best = {.step = count(best, "step"),
                           .right = count(best, "right"),
                           .images = count(best, "images"),
                           .test_right = count(best, "test_right"),
                           .test_images = count(best, "test_images")},
                  .early = early_of_json(json_object_get(j, "early_stopping"))};

    snprintf(t.best.digest, sizeof t.best.digest, "%s", digest ? digest : "");
    return t;
}
