#include "launch/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cores.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "common/comm/stop.h"
#include "common/run/layout.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"
#include "launch/train/dry_run.h"
#include "launch/train/journal.h"
#include "launch/train/outputs.h"
#include "launch/train/placement.h"
#include "launch/train/resume.h"
#include "launch/train/setup.h"
#include "launch/train/timeline.h"
#include "launch/train/waits.h"
#include "server/serve.h"
#include "worker/engine/threads.h"
#include "worker/input/feed.h"
#include "worker/step.h"

/* ---- command line ----------------------------------------------------------------- */

static bool read_args(int argc, char **argv, pt_train_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE.yaml", &a->file), PT_ARG_SET(&a->sets),
        PT_ARG_NUMBER("workers", "N", &a->workers, 1, 100000,
                      "Workers to start, without mpirun (default: one per core)"),
        PT_ARG_FLAG("dry-run", &a->dry_run,
                    "Print layout, sizes, memory and steps; train nothing"),
        PT_ARG_FLAG("overwrite", &a->overwrite,
                    "Replace an existing run directory instead of resuming the run")};
    const pt_args args = {
        .command = "train",
        .about = "Fine-tunes a network as FILE.yaml describes. Under mpirun or srun "
                 "every rank runs this command; otherwise it starts mpirun itself.",
        .example = "ptrain train my.yaml --workers 2 --set optimizer.lr=0.01",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

/* A model that was chosen on the test split has no test. */
static void warn_of_selection(const pt_setup *u)
{
    if (u->run->config->run->keep_best && u->validation.n == 0)
        pt_log_warn(
            "run.keep_best chooses best.h5 by the test split, so its test accuracy is no "
            "longer a test; with data.validation_share it chooses by "
            "held-out training images");
}

/* ---- roles ------------------------------------------------------------------------ */

/* After the run, which ended alike on every rank: rank 0 writes the results. */
static pt_status end(const pt_setup *u, pt_timeline *line, pt_journal *j,
                     pt_server *server, pt_status s)
{
    pt_server_costs costs;
    pt_waits waits;

    if (s == PT_OK || s == PT_STOPPED) pt_timeline_write(line, u->run);
    if (s != PT_OK) return s;
    costs = pt_server_costs_of(server);
    pt_waits_gather(u->run, NULL, &costs, &waits);
    if (j) s = pt_journal_finish(j, &costs, &waits);
    s = pt_server_keep_end(server, s);
    if (s == PT_OK) pt_stop_settle();
    pt_waits_fini(&waits);
    return pt_job_agree(s);
}

static pt_status serve(pt_setup *u, const pt_resume *start, pt_timeline *line)
{
    const pt_config *c = u->run->config;
    pt_test_sizes tests = {.n_test = u->n_test, .n_validation = u->validation.n};
    pt_save_options save = {start->root, start->identity, c->run->watchdog_s};
    pt_server_hooks hooks = {0};
    pt_journal *j = NULL;
    pt_server *server = NULL;
    bool agreed = false, hangs, first = pt_job_rank() == 0;
    pt_status s = first ? pt_journal_create(u, &start->progress, &j) : PT_OK;

    if (s == PT_OK && first) warn_of_selection(u);
    if (s == PT_OK && first) pt_outputs_check_space(u);
    if (c->evaluation->train_split) tests.n_train = u->run->plan->n_images;
    if (s == PT_OK && first) hooks = pt_journal_hooks(j);
    if (s == PT_OK)
        s = pt_server_create(u->run, pt_job_comm(), &tests, &hooks, &save, &server);
    if (s == PT_OK && start->kind == PT_RESUME_RESUMED)
        pt_server_restore(server, &start->state, &start->progress);
    s = pt_job_agree(s);
    if (s == PT_OK) {
        pt_job_set_deadline(c->run->watchdog_s);
        s = pt_server_run(server, &agreed);
        if (s != PT_OK && !agreed) pt_job_die(s);
        if (s == PT_STOPPED) pt_stop_settle();
        s = end(u, line, j, server, pt_job_agree(s));
    }
    hangs = server && pt_server_hangs(server);
    if (s == PT_OK && first && !hangs) pt_checkpoint_prune(start->root, 0);
    if (s == PT_STOPPED && first) pt_journal_stopped(j);
    pt_journal_destroy(&j);
    if (hangs) _exit(pt_job_end(s)); /* its thread uses what would be freed */
    pt_server_destroy(&server);
    return s;
}

static pt_status work(pt_setup *u, pt_timeline *line)
{
    const pt_config *c = u->run->config;
    int worker = pt_job_rank() - u->run->n_servers;
    pt_test_sets tests = {.test = u->test,
                          .n_test = u->n_test,
                          .validation = u->validation.images,
                          .n_validation = u->validation.n};
    pt_feed *feed = NULL;
    pt_threads *pool = NULL;
    pt_worker *w = NULL;
    pt_waits waits;
    pt_source source;
    bool agreed = false;
    pt_status s = pt_threads_create(pt_placement_threads(u->placement), &pool);

    if (c->evaluation->train_split) {
        tests.train = u->run->plan->images;
        tests.n_train = u->run->plan->n_images;
    }
    if (s == PT_OK) s = pt_feed_create(u->run, u->data, &u->preprocess, worker, &feed);
    if (s == PT_OK) {
        source = pt_feed_source(feed);
        s = pt_worker_create(u->run, pt_job_comm(), worker, pool, &source, &tests, &w);
    }
    s = pt_job_agree(s);
    if (s == PT_OK) {
        pt_job_set_deadline(c->run->watchdog_s);
        s = pt_worker_run(w, &agreed);
        if (s != PT_OK && !agreed) pt_job_die(s);
        s = pt_job_agree(s);
        if (s == PT_OK || s == PT_STOPPED) pt_timeline_write(line, u->run);
        if (s == PT_OK) {
            pt_waits_gather(u->run, w, NULL, &waits);
            pt_waits_fini(&waits);
            s = pt_job_agree(PT_OK);
        }
    }
    pt_worker_destroy(&w);
    pt_feed_destroy(&feed);
    pt_threads_destroy(&pool);
    return s;
}

/* From the first step or from a checkpoint; reports each rank's host to rank 0. */
static pt_status begin(pt_setup *u, const pt_train_args *args, pt_resume **out)
{
    char mine[PT_JOB_TEXT_BYTES], *all;
    pt_status s;

    *out = NULL;
    snprintf(mine, sizeof mine, "%s: %s, %s", pt_job_host(),
             pt_job_rank() < u->run->n_servers ? "server" : "worker",
             pt_kernels_describe(pt_worker_kernels(u->run->config)));
    all = pt_job_gather_text(mine);
    s = pt_resume_create(u, args, all, out);
    free(all);
    return s;
}

/* Measures what the network can do, and runs. */
static pt_status run(pt_setup *u, const pt_resume *start)
{
    pt_timeline *line = NULL;
    pt_status s = pt_rates_measure(&u->rates);

    if (s == PT_OK) s = pt_timeline_begin(u->run, &line);
    if (s == PT_OK)
        s = pt_job_rank() < u->run->n_servers ? serve(u, start, line) : work(u, line);
    pt_timeline_destroy(&line);
    return s;
}

pt_status pt_train_in_job(const pt_train_args *args)
{
    pt_setup *u = NULL;
    pt_resume *start = NULL;
    pt_status s = pt_agree_on_program(args->argc, args->argv);

    if (s == PT_OK) s = pt_setup_create(args, &u);
    if (s == PT_OK && pt_job_rank() == 0) pt_dry_run_print(u);
    if (s == PT_OK && !args->dry_run) {
        s = begin(u, args, &start);
        if (s == PT_OK && start->kind != PT_RESUME_FINISHED) s = run(u, start);
    }
    pt_resume_destroy(&start);
    pt_setup_destroy(&u);
    return s;
}

/* Without a launcher: reads the configuration for the layout and starts the job. */
static int start_job(const pt_train_args *args)
{
    pt_config *c = NULL;
    pt_status s = pt_config_load(args->file, args->sets.list, args->sets.n, &c);
    int ranks = 0, cores = pt_cores_count();

    if (s == PT_OK) s = pt_config_check_train(c);
    if (s != PT_OK) {
        pt_log_error(pt_fail_text());
    } else {
        int workers = args->workers ? args->workers : (int)c->engine->workers;

        if (workers == 0) workers = cores < (int)c->shards ? cores : (int)c->shards;
        ranks = pt_layout_servers(c->server, (int[]){0}, 1) + workers;
    }
    pt_config_destroy(&c);
    return s == PT_OK ? pt_mpirun(ranks, true, args->argc, args->argv)
                      : pt_status_exit_code(s);
}

int pt_cmd_train(int argc, char **argv)
{
    pt_train_args args = {.argc = argc, .argv = argv};
    int code;
    pt_status s;

    if (!read_args(argc, argv, &args, &code)) return code;
    if (!pt_under_launcher()) {
        code = start_job(&args);
    } else {
        s = pt_job_start(&argc, &argv);
        if (s == PT_OK) pt_stop_at_once_on_signal(pt_job_rank() == 0);
        if (s == PT_OK) s = pt_train_in_job(&args);
        code = pt_job_end(s);
    }
    pt_words_fini(&args.sets);
    return code;
}
