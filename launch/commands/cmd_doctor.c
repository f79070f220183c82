#include "launch/commands/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/doctor/checks.h"
#include "launch/doctor/collect.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"

typedef struct {
    const char *config, *dir;
    int threads;
    bool json;
    pt_words sets;
} doctor_args;

static const char form[] =
    "A line for each finding: ok, warn or fail, the check, what was found and what to "
    "do. "
    "The exit code is 1 if a check failed, otherwise 0. Alone it looks at this machine, "
    "under mpirun or srun at the job that they start.";

static pt_status check_args(const void *given)
{
    const doctor_args *a = given;

    return a->sets.n > 0 && !a->config
               ? pt_fail(PT_ERR_USAGE, "--set needs --config FILE.yaml")
               : PT_OK;
}

static bool read_args(int argc, char **argv, doctor_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_TEXT("config", "FILE.yaml", &a->config,
                    "The run that is to be started: its threads, shards, run.dir"),
        PT_ARG_NUMBER("threads", "N", &a->threads, 1, 256,
                      "Threads of a worker (default: engine.threads)"),
        PT_ARG_TEXT("dir", "DIR", &a->dir,
                    "Where runs are written (default: run.dir, or this directory)"),
        PT_ARG_FLAG("json", &a->json, "Print a JSON list of the findings"),
        PT_ARG_SET(&a->sets)};
    const pt_args args = {
        .command = "doctor",
        .about =
            "Checks a job and its machines before a run: ranks, cores, links between "
            "hosts, files.",
        .notes = form,
        .example = "ptrain doctor\n  mpirun -n 5 ptrain doctor --config my.yaml",
        PT_ARGS_TABLE(table),
        .check = check_args,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

static int count(const pt_findings *f, pt_finding_level level)
{
    int n = 0;

    for (size_t i = 0; i < f->n; i++) n += f->list[i].level == level;
    return n;
}

static void print_lines(const pt_findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        printf("%-5s %-10s %s\n", pt_finding_names[f->list[i].level], f->list[i].check,
               f->list[i].text);
    if (f->dropped) printf("... and %zu findings more\n", f->dropped);
}

static void print_json(const pt_findings *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "level",
                                              pt_finding_names[f->list[i].level], "check",
                                              f->list[i].check, "text", f->list[i].text));
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(list);
}

/* Rank 0. */
static pt_status report(const doctor_args *a, const pt_facts *facts)
{
    pt_findings *f = pt_calloc(1, sizeof *f);
    int failed;

    if (!f) return pt_fail(PT_ERR_NOMEM, "no memory for the findings");
    pt_checks_run(facts, f);
    (a->json ? print_json : print_lines)(f);
    fflush(stdout);
    failed = count(f, PT_FINDING_FAIL);
    free(f);
    if (!failed) return PT_OK;
    return pt_fail(PT_ERR_DATA, "%d check%s failed", failed, failed == 1 ? "" : "s");
}

static pt_status examine(const doctor_args *a)
{
    pt_config *c = NULL;
    pt_facts facts = {0};
    pt_status s = PT_OK;

    if (a->config) s = pt_config_load(a->config, a->sets.list, a->sets.n, &c);
    s = pt_job_agree(s);
    if (s == PT_OK) s = pt_collect_facts(c, a->threads, a->dir, &facts);
    if (s == PT_OK) s = pt_job_agree(pt_job_rank() == 0 ? report(a, &facts) : PT_OK);
    pt_collect_fini(&facts);
    pt_config_destroy(&c);
    return s;
}

int pt_cmd_doctor(int argc, char **argv)
{
    char **words = argv;
    int n = argc, code;
    doctor_args a = {0};
    pt_status s;

    if (!read_args(argc, argv, &a, &code)) return code;
    s = pt_job_start(&argc, &argv);
    if (s == PT_OK) s = pt_agree_on_program(n, words);
    if (s == PT_OK) s = examine(&a);
    pt_words_fini(&a.sets);
    return pt_job_end(s);
}
