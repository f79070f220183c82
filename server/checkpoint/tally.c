#include "server/checkpoint/tally.h"

#include <stdio.h>

json_t *pt_tally_to_json(const pt_tally *t)
{
    const pt_best *b = &t->best;

    return json_pack("{s:I, s:f, s:I, s:f, s:f, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:s}}",
                     "gate_opened", (json_int_t)t->gate_opened, "w_sum", t->w_sum,
                     "w_steps", (json_int_t)t->w_steps, "seconds", t->seconds,
                     "step_seconds", t->step_seconds, "timed_images",
                     (json_int_t)t->timed_images, "best", "step", (json_int_t)b->step,
                     "right", (json_int_t)b->right, "images", (json_int_t)b->images,
                     "test_right", (json_int_t)b->test_right, "test_images",
                     (json_int_t)b->test_images, "digest", b->digest);
}

static uint64_t count(const json_t *j, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(j, name));
}

static double real(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
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
                           .test_images = count(best, "test_images")}};

    snprintf(t.best.digest, sizeof t.best.digest, "%s", digest ? digest : "");
    return t;
}
