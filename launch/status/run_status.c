#include "launch/status/run_status.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/config/config.h"
#include "launch/train/run_dir.h"

enum { TAIL = 1 << 18 }; /* bytes of metrics.jsonl that are looked at */

const char *const pt_run_state_names[] = {[PT_RUN_FINISHED] = "finished",
                                          [PT_RUN_RUNNING] = "running",
                                          [PT_RUN_STOPPED] = "stopped"};

static double number(const json_t *line, const char *key)
{
    const json_t *v = json_object_get(line, key);

    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* Epochs after the step of a line, which has what was done before it. Of the first step
 * that is not known: 0. */
static double epoch_after(const json_t *line)
{
    double before = number(line, "step"), epoch = number(line, "epoch");

    return before > 0 ? round(1e6 * epoch * (before + 1) / before) / 1e6 : epoch;
}

/* ---- what is in the directory ------------------------------------------------------ */

/* Epochs of all stages; NAN where one counts steps. */
static double planned_epochs(const char *dir)
{
    char *path = pt_file_path(dir, "config.yaml");
    pt_config *c = NULL;
    double epochs = 0;

    if (!path || pt_config_load(path, NULL, 0, &c) != PT_OK) epochs = NAN;
    for (size_t i = 0; c && i < c->n_stages; i++)
        epochs += c->stages[i]->has_epochs ? c->stages[i]->epochs : NAN;
    pt_config_destroy(&c);
    free(path);
    return epochs;
}

static int count_jobs(const char *dir)
{
    json_t *jobs = NULL;
    int n = -1;

    if (pt_run_dir_has(dir, "jobs.json") &&
        pt_run_dir_read_json(dir, "jobs.json", &jobs) == PT_OK)
        n = (int)json_array_size(jobs);
    json_decref(jobs);
    return n;
}

/* ---- metrics.jsonl ----------------------------------------------------------------- */

/* Of the last steps. */
typedef struct {
    double images, seconds, first_epoch;
} speed;

static void take_line(const json_t *line, pt_run_status *s, speed *v)
{
    const char *of = json_string_value(json_object_get(line, "test_of"));

    if (of) {
        snprintf(s->test_of, sizeof s->test_of, "%s", of);
        s->test_accuracy = number(line, "accuracy");
        s->test_step = (long)number(line, "step") + 1;
        return;
    }
    if (!json_object_get(line, "images")) return;
    if (isnan(v->first_epoch)) v->first_epoch = number(line, "epoch");
    if (number(line, "seconds") > 0) {
        v->images += number(line, "images");
        v->seconds += number(line, "seconds");
    }
    s->step = (long)number(line, "step") + 1;
    s->epoch = epoch_after(line);
    s->ce = number(line, "ce");
    s->accuracy = number(line, "accuracy");
}

static void take_lines(char *text, pt_run_status *s, speed *v)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *o = json_loads(line, 0, NULL); /* the first may be cut, the last too */

        if (json_is_object(o)) take_line(o, s, v);
        json_decref(o);
    }
}

static pt_status read_metrics(const char *path, pt_run_status *s, speed *v)
{
    pt_file *f = NULL;
    struct stat st;
    size_t n;
    char *text;
    pt_status status = pt_file_open(path, &f);

    if (status != PT_OK) return status;
    n = f->size < TAIL ? (size_t)f->size : TAIL;
    text = malloc(n + 1);
    status = text ? pt_file_read(f, f->size - n, text, n)
                  : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (status == PT_OK && fstat(f->fd, &st) == 0)
        s->quiet_s = fmax(0, difftime(time(NULL), st.st_mtime)); /* of another's clock */
    if (status == PT_OK) {
        text[n] = '\0';
        take_lines(text, s, v);
    }
    free(text);
    pt_file_destroy(&f);
    return status;
}

static void estimate(pt_run_status *s, const speed *v)
{
    double done = s->epoch - v->first_epoch, rate;

    if (v->seconds > 0) s->images_per_s = v->images / v->seconds;
    rate = v->seconds > 0 ? done / v->seconds : NAN;
    if (rate > 0) s->eta_s = fmax(0, s->epochs - s->epoch) / rate;
}

/* Of a finished run. One that ended early is complete where it is; of one that could
 * have, the model is that of its best test. */
static pt_status read_result(const char *dir, pt_run_status *s)
{
    json_t *result = NULL;
    pt_status status = pt_run_dir_read_json(dir, "result.json", &result);
    const json_t *early = json_object_get(result, "early_stopping");

    s->eta_s = 0;
    s->ended_early = json_is_true(json_object_get(early, "ended_early"));
    if (!s->ended_early) s->epoch = s->epochs;
    if (early) {
        bool tested = json_is_number(json_object_get(result, "test_accuracy"));

        s->test_accuracy =
            number(result, tested ? "test_accuracy" : "validation_accuracy");
        s->test_step = (long)number(early, "step") + 1;
    }
    json_decref(result);
    return status;
}

pt_status pt_run_status_read(const char *dir, pt_run_status *out)
{
    speed v = {.first_epoch = NAN};
    uint64_t step;
    char *path = NULL;
    pt_status s = PT_OK;

    *out = (pt_run_status){.step = 0,
                           .epoch = NAN,
                           .epochs = NAN,
                           .ce = NAN,
                           .accuracy = NAN,
                           .images_per_s = NAN,
                           .eta_s = NAN,
                           .quiet_s = NAN,
                           .test_accuracy = NAN,
                           .test_step = -1};
    if (!pt_run_dir_has(dir, "identity.json"))
        return pt_fail(PT_ERR_DATA, "%s: holds no run (no identity.json)", dir);
    out->state = pt_run_dir_has(dir, "result.json") ? PT_RUN_FINISHED
                 : pt_run_dir_in_use(dir)           ? PT_RUN_RUNNING
                                                    : PT_RUN_STOPPED;
    out->epochs = planned_epochs(dir);
    out->checkpoint = pt_run_dir_checkpoint(dir, &step) ? (long)step : -1;
    out->jobs = count_jobs(dir);
    path = pt_file_path(dir, "metrics.jsonl");
    if (!path) return pt_fail(PT_ERR_NOMEM, "%s: no memory", dir);
    if (access(path, F_OK) == 0) s = read_metrics(path, out, &v);
    free(path);
    if (s != PT_OK) return s;
    estimate(out, &v);
    return out->state == PT_RUN_FINISHED ? read_result(dir, out) : PT_OK;
}

/* ---- texts ------------------------------------------------------------------------- */

static void add(char *text, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t n, const char *fmt, ...)
{
    size_t at = strlen(text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text + at, n - at, fmt, args);
    va_end(args);
}

static void add_place(const pt_run_status *s, char *text, size_t n)
{
    if (isnan(s->epoch)) {
        add(text, n, "before the first step");
        return;
    }
    add(text, n, "epoch %.2f", s->epoch);
    if (!isnan(s->epochs))
        add(text, n, " of %g (%.0f %%)", s->epochs, floor(100 * s->epoch / s->epochs));
    add(text, n, ", step %ld, ce %.4f", s->step, s->ce);
    if (s->ended_early) add(text, n, ", ended early");
}

void pt_run_status_text(const pt_run_status *s, char *text, size_t n)
{
    char time[PT_DURATION];

    text[0] = '\0';
    add_place(s, text, n);
    if (s->test_step >= 0)
        add(text, n, "; %s after step %ld: %.2f %%", s->test_of, s->test_step,
            100 * s->test_accuracy);
    if (!isnan(s->images_per_s)) add(text, n, "; %.1f images/s", s->images_per_s);
    if (s->state == PT_RUN_RUNNING && !isnan(s->eta_s)) {
        pt_duration_text(s->eta_s, time);
        add(text, n, ", %s to go", time);
    }
    if (s->state == PT_RUN_STOPPED)
        add(text, n,
            s->checkpoint >= 0 ? "; checkpoint after step %ld" : "; no checkpoint",
            s->checkpoint);
    if (s->state != PT_RUN_FINISHED && !isnan(s->quiet_s)) {
        pt_duration_text(s->quiet_s, time);
        add(text, n, "; last step %s ago", time);
    }
    if (s->jobs > 1) add(text, n, "; %d jobs", s->jobs);
}

bool pt_metrics_line_text(const json_t *line, char *text, size_t n)
{
    const char *of = json_string_value(json_object_get(line, "test_of"));

    text[0] = '\0';
    if (of) {
        add(text, n, "%s after step %.0f: accuracy %.2f %%, top-5 %.2f %%, ce %.4f", of,
            number(line, "step") + 1, 100 * number(line, "accuracy"),
            100 * number(line, "top5"), number(line, "ce"));
        return true;
    }
    if (!json_object_get(line, "images")) return false;
    add(text, n, "step %.0f  epoch %.2f  ce %.4f  acc %.3f  w %.3g  lr %.3g",
        number(line, "step") + 1, epoch_after(line), number(line, "ce"),
        number(line, "accuracy"), number(line, "w"), number(line, "lr"));
    if (number(line, "seconds") > 0)
        add(text, n, "  %.1f images/s", number(line, "images") / number(line, "seconds"));
    return true;
}
