#include "launch/report/finished_run.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/log.h"

enum { MAX_BYTES = 1 << 24 };

static bool exists(const char *dir, const char *name)
{
    char *path = pt_file_path(dir, name);
    struct stat st;
    bool there = path && stat(path, &st) == 0;

    free(path);
    return there;
}

static pt_status open_json(const char *path, json_t **out)
{
    json_error_t e;
    struct stat st;

    if (stat(path, &st) != 0) return pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)
        return pt_fail(PT_ERR_DATA, "%s: not a file of at most %d bytes", path,
                       MAX_BYTES);
    *out = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!*out)
        return pt_fail(PT_ERR_DATA, "%s: line %d: not JSON: %s", path, e.line, e.text);
    if (!json_is_object(*out)) return pt_fail(PT_ERR_DATA, "%s: not an object", path);
    return PT_OK;
}

/* A number, or NAN for null (and, unless it is needed, where the key is not there). */
static void get_number(const json_t *o, const char *path, const char *key, bool needed,
                       double *out, pt_status *failed)
{
    const json_t *v = json_object_get(o, key);

    *out = NAN;
    if (json_is_number(v))
        *out = json_number_value(v);
    else if (v ? !json_is_null(v) : needed)
        pt_fail_more(failed, PT_ERR_DATA, "%s: %s is %s", path, key,
                     v ? "not a number" : "not there");
}

static int64_t get_count(const json_t *o, const char *path, const char *key,
                         pt_status *failed)
{
    const json_t *v = json_object_get(o, key);

    if (json_is_integer(v)) return json_integer_value(v);
    pt_fail_more(failed, PT_ERR_DATA, "%s: %s is %s", path, key,
                 v ? "not a whole number" : "not there");
    return -1;
}

static pt_status read_result(const char *path, pt_finished_run *r)
{
    json_t *o = NULL;
    const char *hash;
    int64_t gate;
    pt_status s = open_json(path, &o);

    if (s != PT_OK) goto done;
    get_number(o, path, "test_accuracy", true, &r->test, &s);
    get_number(o, path, "train_accuracy", false, &r->train, &s);
    get_number(o, path, "images_per_s", true, &r->images_per_s, &s);
    get_number(o, path, "seconds", true, &r->seconds, &s);
    get_number(o, path, "mean_w", true, &r->w, &s);
    gate = get_count(o, path, "gate_opened_at", &s);
    r->gate = gate >= 0 ? (double)gate + 1 : NAN; /* files count from 0 */
    if (get_count(o, path, "steps_with_w", &s) <= 0) r->w = NAN;
    r->n_classes = json_object_size(json_object_get(o, "per_class"));
    hash = json_string_value(json_object_get(o, "weight_hash"));
    if (!hash || strlen(hash) >= sizeof r->weight_hash)
        pt_fail_more(&s, PT_ERR_DATA, "%s: weight_hash is not a hash", path);
    else
        memcpy(r->weight_hash, hash, strlen(hash) + 1);
    r->test *= 100;
    r->train *= 100;
    if (s == PT_OK && (r->test < 0 || r->test > 100))
        pt_fail_more(&s, PT_ERR_DATA, "%s: test_accuracy is not between 0 and 1", path);
done:
    json_decref(o);
    return s;
}

static pt_status read_config(const char *path, pt_finished_run *r)
{
    pt_config *c = NULL;
    pt_status s = pt_config_load(path, NULL, 0, &c);

    if (s != PT_OK) return s;
    r->seed = c->seed;
    r->loss = c->pseudo_task->loss;
    s = pt_settings_create(c, &r->settings);
    r->plain = s == PT_OK && pt_settings_is_plain(&r->settings);
    pt_config_destroy(&c);
    return s;
}

/* The checksums of the data that it was trained and tested on, as settings: a file may
 * have been replaced by another of its name. A directory of another program has none. */
static pt_status read_data(const char *path, pt_settings *s)
{
    static const char *const names[] = {"data_checksum", "source_checksum"};
    json_t *o = json_load_file(path, 0, NULL);
    pt_status status = PT_OK;

    for (size_t i = 0; i < sizeof names / sizeof *names && status == PT_OK; i++) {
        const char *sum = json_string_value(json_object_get(o, names[i]));
        char text[PT_SHORT_SUM + 1];

        if (!sum) continue;
        snprintf(text, sizeof text, "%s", sum);
        status = pt_settings_add(s, names[i], text);
    }
    json_decref(o);
    return status;
}

int pt_finished_run_ranks(const char *dir, const char *role)
{
    char *path = pt_file_path(dir, "environment.json"), *what = NULL;
    json_t *o = path ? json_load_file(path, 0, NULL) : NULL, *rank;
    size_t i;
    int n = 0;

    if (asprintf(&what, ": %s", role) < 0) what = NULL;
    json_array_foreach(json_object_get(o, "ranks"), i, rank) n +=
        what && json_is_string(rank) && strstr(json_string_value(rank), what) != NULL;
    json_decref(o);
    free(path);
    free(what);
    return n;
}

/* PT_OK where a run has finished there. */
static pt_status look(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) != 0) return pt_fail(PT_ERR_IO, "%s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return pt_fail(PT_ERR_DATA, "%s: not a directory", dir);
    if (exists(dir, "result.json")) return PT_OK;
    return pt_fail(PT_ERR_DATA, "%s: %s", dir,
                   exists(dir, "identity.json")
                       ? "this run has not finished (no result.json)"
                       : "not a run directory (no result.json)");
}

/* *finished: false where there is nothing to read yet. */
static pt_status read_run(const char *dir, pt_finished_run *r, bool *finished)
{
    char *result = NULL, *config = NULL, *identity = NULL;
    size_t n = strlen(dir);
    pt_status s;

    *finished = true;
    while (n > 1 && dir[n - 1] == '/') n--;
    r->dir = strndup(dir, n);
    if (!r->dir) return pt_fail(PT_ERR_NOMEM, "no memory for a path");
    s = look(r->dir);
    *finished = s == PT_OK;
    if (s != PT_OK) return s;
    result = pt_file_path(r->dir, "result.json");
    config = pt_file_path(r->dir, "config.yaml");
    identity = pt_file_path(r->dir, "identity.json");
    s = result && config && identity ? PT_OK
                                     : pt_fail(PT_ERR_NOMEM, "no memory for a path");
    if (s == PT_OK) s = read_result(result, r);
    if (s == PT_OK) s = read_config(config, r);
    if (s == PT_OK) s = read_data(identity, &r->settings);
    r->workers = pt_finished_run_ranks(r->dir, "worker");
    free(result);
    free(config);
    free(identity);
    return s;
}

static void release(pt_finished_run *r)
{
    free(r->dir);
    pt_settings_fini(&r->settings);
    memset(r, 0, sizeof *r);
}

/* Appends pt_fail_text as a line of its own. */
static void keep_text(char **text)
{
    char *more = NULL;

    if (asprintf(&more, "%s%s%s", *text ? *text : "", *text ? "\n" : "", pt_fail_text()) <
        0)
        return; /* what came before it will do */
    free(*text);
    *text = more;
}

static void warn_of_each(char *lines)
{
    for (char *at = lines, *line; (line = strsep(&at, "\n"));)
        pt_log_warn("%s: left out", line);
}

pt_status pt_finished_runs_read(const char *const *dirs, size_t n, pt_finished_run **out,
                                size_t *n_out)
{
    pt_finished_run *r = pt_calloc(n, sizeof *r);
    char *faults = NULL, *unfinished = NULL;
    size_t done = 0;
    pt_status s = PT_OK;

    *out = NULL;
    *n_out = 0;
    if (!r) return pt_fail(PT_ERR_NOMEM, "no memory for %zu runs", n);
    for (size_t i = 0; i < n; i++) {
        bool finished;

        if (read_run(dirs[i], &r[done], &finished) == PT_OK) {
            done++;
            continue;
        }
        keep_text(finished ? &faults : &unfinished);
        release(&r[done]);
    }
    if (unfinished && (done > 0 || faults)) warn_of_each(unfinished);
    if (faults || done == 0) {
        const char *why = faults ? faults : unfinished;

        s = pt_fail(PT_ERR_DATA, "%s", why ? why : "no memory for the faults");
        pt_finished_runs_destroy(&r, done);
    }
    *out = r;
    *n_out = s == PT_OK ? done : 0;
    free(faults);
    free(unfinished);
    return s;
}

void pt_finished_runs_destroy(pt_finished_run **r, size_t n)
{
    if (!r || !*r) return;
    for (size_t i = 0; i < n; i++) release(&(*r)[i]);
    free(*r);
    *r = NULL;
}
