#include "tests/launch/made_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/pt_test_report_XXXXXX";

static char made[MADE_RUNS_MAX][64]; /* [n_made] */
static size_t n_made;

int made_runs_enter(void **state)
{
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

int made_runs_leave(void **state)
{
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

void made_runs_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

void made_runs_dir(const char *dir)
{
    assert_true(n_made < MADE_RUNS_MAX);
    snprintf(made[n_made++], sizeof made[0], "%s", dir);
    assert_int_equal(mkdir(dir, 0777), 0);
}

int made_runs_remove(void **state)
{
    static const char *const files[] = {
        "config.yaml",   "result.json",    "identity.json", "environment.json",
        "metrics.jsonl", "predictions.h5", "jobs.json"};
    char path[2048];

    for (size_t i = 0; i < n_made; i++) {
        for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
            snprintf(path, sizeof path, "%s/%s", made[i], files[k]);
            unlink(path);
        }
        rmdir(made[i]);
    }
    n_made = 0;
    return 0;
}

static void make_one(const made_run *m)
{
    char text[1024], test[32] = "null", train[64] = "", w[32] = "null";

    made_runs_dir(m->dir);
    snprintf(text, sizeof text,
             "seed: %d\nrun: {dir: elsewhere/%s}\nnetwork: {name: resnet_small}\n%s",
             m->seed, m->dir, m->settings);
    made_runs_file(m->dir, "config.yaml", text);
    if (m->test >= 0) snprintf(test, sizeof test, "%.4f", m->test);
    if (m->train >= 0)
        snprintf(train, sizeof train, "\"train_accuracy\": %.4f, ", m->train);
    if (m->w > 0) snprintf(w, sizeof w, "%g", m->w);
    snprintf(text, sizeof text,
             "{\"test_accuracy\": %s, %s\"weight_hash\": \"%s\", \"seconds\": 20, "
             "\"images_per_s\": %d, \"gate_opened_at\": %d, \"mean_w\": %s, "
             "\"steps_with_w\": %d, \"per_class\": {}}",
             test, train, m->hash ? m->hash : m->dir, 100 + m->seed, m->gate, w,
             m->w > 0 ? 50 : 0);
    made_runs_file(m->dir, "result.json", text);
}

void made_runs_make(const made_run *m, size_t n)
{
    for (size_t i = 0; i < n; i++) make_one(&m[i]);
}

pt_summary *made_runs_sum_up(pt_finished_run **r)
{
    const char *dirs[MADE_RUNS_MAX];
    pt_summary *u = NULL;
    size_t n = 0;

    for (size_t i = 0; i < n_made; i++) dirs[i] = made[i];
    if (pt_finished_runs_read(dirs, n_made, r, &n) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_int_equal(n, n_made);
    if (pt_summary_create(*r, n, &u) != PT_OK) fail_msg("%s", pt_fail_text());
    return u;
}

void made_runs_release(pt_summary **u, pt_finished_run **r)
{
    pt_summary_destroy(u);
    pt_finished_runs_destroy(r, n_made);
    assert_null(*u);
    assert_null(*r);
}

char *made_runs_table(pt_table_style style)
{
    char *text = NULL, *end;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    pt_finished_run *r = NULL;
    pt_summary *u = made_runs_sum_up(&r);

    assert_non_null(out);
    assert_int_equal(pt_table_print(u, style, out), PT_OK);
    fclose(out);
    end = strstr(text, "train, test: accuracy");
    assert_non_null(end);
    *end = '\0';
    made_runs_release(&u, &r);
    return text;
}
