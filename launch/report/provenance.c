#include "launch/report/provenance.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/file.h"

const char *const pt_fact_names[PT_FACTS] = {
    "started (UTC)", "program", "CPU", "arithmetic", "ranks", "model", "goodput"};

/* NULL where there is no such file, or no JSON in it. */
static json_t *load(const char *dir, const char *name)
{
    char *path = pt_file_path(dir, name);
    json_t *j = path ? json_load_file(path, 0, NULL) : NULL;

    free(path);
    return j;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static double number_of(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* Each prints one fact, or nothing. */
static void started(FILE *out, const json_t *jobs)
{
    time_t at = (time_t)number_of(json_array_get(jobs, 0), "started");
    char day[32] = "";
    struct tm tm;

    if (at > 0 && gmtime_r(&at, &tm)) strftime(day, sizeof day, "%Y-%m-%d", &tm);
    fputs(day, out);
}

static void program(FILE *out, const json_t *environment)
{
    const char *version = text_of(environment, "version");
    const char *commit = text_of(environment, "commit");

    if (*version) fprintf(out, "ptrain %s", version);
    if (*version && *commit) fprintf(out, " (%.12s)", commit);
}

/* The first worker's line: "HOST: worker, exact, Winograd (avx2)". */
static void kernels(FILE *out, const json_t *environment)
{
    static const char before[] = ": worker, ";
    const json_t *rank;
    size_t i;

    json_array_foreach(json_object_get(environment, "ranks"), i, rank)
    {
        const char *line = json_string_value(rank);
        const char *at = line ? strstr(line, before) : NULL;

        if (!at) continue;
        fputs(at + sizeof before - 1, out);
        return;
    }
}

static void ranks(FILE *out, const pt_finished_run *r)
{
    int servers = pt_finished_run_ranks(r->dir, "server");

    if (r->workers == 0) return;
    fprintf(out, "%d server%s, %d worker%s", servers, servers == 1 ? "" : "s", r->workers,
            r->workers == 1 ? "" : "s");
}

static void model(FILE *out, const json_t *result)
{
    const json_t *e = json_object_get(result, "early_stopping");

    if (!e) return;
    fprintf(out, "after step %.0f", number_of(e, "step") + 1);
    if (json_is_true(json_object_get(e, "ended_early")))
        fprintf(out, ", ended early after %.0f", number_of(result, "steps"));
}

static void goodput(FILE *out, const json_t *result)
{
    const json_t *g = json_object_get(result, "goodput");
    json_int_t jobs = json_integer_value(json_object_get(g, "jobs"));

    if (jobs > 1)
        fprintf(out, "%.1f %% in %d jobs", 100 * number_of(g, "share"), (int)jobs);
}

static void print(FILE *out, pt_fact fact, const pt_finished_run *r,
                  json_t *const files[3])
{
    switch (fact) {
    case PT_FACT_STARTED:
        started(out, files[1]);
        break;
    case PT_FACT_PROGRAM:
        program(out, files[0]);
        break;
    case PT_FACT_CPU:
        fputs(text_of(files[0], "cpu"), out);
        break;
    case PT_FACT_KERNELS:
        kernels(out, files[0]);
        break;
    case PT_FACT_RANKS:
        ranks(out, r);
        break;
    case PT_FACT_MODEL:
        model(out, files[2]);
        break;
    default:
        goodput(out, files[2]);
        break;
    }
}

pt_status pt_provenance_read(const pt_finished_run *r, pt_provenance *out)
{
    json_t *const files[3] = {load(r->dir, "environment.json"), load(r->dir, "jobs.json"),
                              load(r->dir, "result.json")};
    pt_status s = PT_OK;

    *out = (pt_provenance){0};
    for (int k = 0; k < PT_FACTS && s == PT_OK; k++) {
        size_t bytes;
        FILE *text = open_memstream(&out->of[k], &bytes);

        if (text) print(text, (pt_fact)k, r, files);
        if (!text || fclose(text) != 0)
            s = pt_fail(PT_ERR_NOMEM, "no memory for where a run comes from");
    }
    for (int i = 0; i < 3; i++) json_decref(files[i]);
    if (s != PT_OK) pt_provenance_fini(out);
    return s;
}

void pt_provenance_fini(pt_provenance *p)
{
    for (int k = 0; k < PT_FACTS; k++) free(p->of[k]);
    *p = (pt_provenance){0};
}
