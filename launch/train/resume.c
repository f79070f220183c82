#include "launch/train/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "launch/train/identity.h"
#include "launch/train/outputs.h"
#include "launch/train/run_dir.h"
#include "server/methods/methods.h"

void pt_resume_destroy(pt_resume **s)
{
    if (!s || !*s) return;
    json_decref((*s)->identity);
    free((*s)->root);
    pt_optimizer_state_fini(&(*s)->state.optimizer);
    free((*s)->state.second);
    pt_kept_fini(&(*s)->state.kept);
    free((*s)->state.method);
    free(*s);
    *s = NULL;
}

/* ---- rank 0 ----------------------------------------------------------------------- */

static void log_finished(const char *dir, const json_t *result)
{
    const char *hash = json_string_value(json_object_get(result, "weight_hash"));
    const json_t *accuracy = json_object_get(result, "test_accuracy");
    char test[48] = "";

    if (json_is_number(accuracy))
        snprintf(test, sizeof test, "test accuracy %.2f %%, ",
                 100 * json_number_value(accuracy));
    pt_log_info("this run is finished: %sweight hash %s", test, hash ? hash : "?");
    pt_log_info("results in %s (--overwrite starts over)", dir);
}

/* The newest checkpoint, if it is this run's. */
static pt_status find(pt_resume *st, pt_checkpoint *c)
{
    const char *was, *is = json_string_value(json_object_get(st->identity, "gemm"));
    pt_status s;

    pt_checkpoint_prune(st->root, 2);
    s = pt_checkpoint_find(st->root, c);
    if (s != PT_OK || !c->path) return s;
    st->kind = PT_RESUME_RESUMED;
    st->progress = c->progress;
    s = pt_identity_compare(c->identity, st->identity, c->path);
    was = json_string_value(json_object_get(c->identity, "gemm"));
    if (s == PT_OK && strcmp(was, is) != 0)
        pt_log_warn("%s was computed by '%s' and is resumed by '%s': engine.gemm: blas "
                    "does not promise the weights of an uninterrupted run",
                    c->path, was, is);
    return s;
}

/* Whose run is in the directory, and how far it has progressed. */
static pt_status look_at_run(const pt_setup *u, const pt_train_args *args, pt_resume *st,
                             pt_checkpoint *c)
{
    const Pt__Config__Run *run = u->run->config->run;
    json_t *was = NULL, *result = NULL;
    pt_status s;

    if (run->resume == PT__CONFIG__RESUME__NEVER)
        return pt_fail(PT_ERR_USAGE,
                       "run directory %s exists and run.resume is never: choose another "
                       "run.dir, or use --overwrite to replace it",
                       run->dir);
    s = pt_run_dir_read_json(run->dir, "identity.json", &was);
    if (s == PT_OK) s = pt_identity_compare(was, st->identity, run->dir);
    if (s == PT_OK && pt_run_dir_has(run->dir, "result.json")) {
        st->kind = PT_RESUME_FINISHED;
        s = pt_run_dir_read_json(run->dir, "result.json", &result);
        if (s == PT_OK) log_finished(run->dir, result);
        if (s == PT_OK) pt_checkpoint_prune(st->root, 0);
    } else if (s == PT_OK) {
        s = find(st, c);
    }
    json_decref(was);
    json_decref(result);
    return s;
}

static pt_status decide(const pt_setup *u, const pt_train_args *args, const char *hosts,
                        pt_resume *st, pt_checkpoint *c)
{
    const char *dir = u->run->config->run->dir;
    bool exists = false;
    pt_status s;

    st->identity = pt_identity_create(u);
    if (!st->identity) return pt_fail(PT_ERR_NOMEM, "no memory for the run's identity");
    s = pt_run_dir_open(dir, args->overwrite, &exists);
    if (s == PT_OK && exists) s = look_at_run(u, args, st, c);
    if (s != PT_OK || st->kind == PT_RESUME_FINISHED) return s;
    s = pt_run_dir_describe(u, args, st->identity, hosts);
    if (s == PT_OK && st->kind == PT_RESUME_FRESH) s = pt_outputs_start(u);
    if (s == PT_OK && st->kind == PT_RESUME_RESUMED)
        pt_log_info("resuming after step %llu of %llu, from %s",
                    (unsigned long long)c->progress.step,
                    (unsigned long long)u->run->plan->total_steps, c->path);
    else if (s == PT_OK && exists)
        pt_log_info("%s has no checkpoint: starting over from the first step", dir);
    return s;
}

/* ---- all ranks -------------------------------------------------------------------- */

/* Broadcasts what rank 0 found. */
typedef struct {
    pt_resume_kind kind;
    pt_progress progress;
    int n_parts;
    char path[4096];
} found;

static pt_status share(pt_resume *st, const pt_checkpoint *c, found *f)
{
    pt_status s;

    memset(f, 0, sizeof *f);
    f->kind = st->kind;
    f->progress = st->progress;
    f->n_parts = c->n_parts;
    if (c->path) snprintf(f->path, sizeof f->path, "%s", c->path);
    s = pt_job_broadcast_into(0, f, sizeof *f);
    st->kind = f->kind;
    st->progress = f->progress;
    return s;
}

/* Servers read the files, for the optimizer's state; all ranks get the weights from rank
 * 0. */
static pt_status load(pt_setup *u, pt_resume *st, found *f)
{
    pt_run *r = u->run;
    size_t features = (size_t)pt_run_rep_size(r) * sizeof(float);
    pt_checkpoint c = {.path = f->path, .n_parts = f->n_parts};
    pt_status s = PT_OK;

    if (pt_job_rank() < r->n_servers) {
        st->state = (pt_state){.run = r,
                               .flat = r->flat,
                               .feature_mean = r->given.feature_mean,
                               .feature_std = r->given.feature_std,
                               .responses = r->given.responses};
        s = pt_optimizer_state_init(r, &st->state.optimizer);
        if (s == PT_OK) s = pt_kept_init(r, &st->state.kept);
        if (r->asks & PT_ASKS_SECOND)
            st->state.second = pt_calloc(r->graph->n_param_floats, sizeof(float));
        st->state.n_method = pt_job_rank() == 0 ? pt_server_methods_floats(r) : 0;
        if (st->state.n_method > 0)
            st->state.method = pt_calloc(st->state.n_method, sizeof(float));
        if (s == PT_OK && ((!st->state.method && st->state.n_method > 0) ||
                           (!st->state.second && (r->asks & PT_ASKS_SECOND))))
            s = pt_fail(PT_ERR_NOMEM, "no memory for the state of methods");
        if (s == PT_OK) s = pt_checkpoint_load(&c, &st->state);
    }
    s = pt_job_agree(s);
    if (s == PT_OK)
        s = pt_job_broadcast_into(0, r->flat, r->graph->n_floats * sizeof(float));
    if (s == PT_OK && r->given.feature_mean)
        s = pt_job_broadcast_into(0, r->given.feature_mean, features);
    if (s == PT_OK && r->given.feature_mean)
        s = pt_job_broadcast_into(0, r->given.feature_std, features);
    r->first_step = st->progress.step;
    r->test_owed = st->progress.test_owed;
    return s;
}

pt_status pt_resume_create(pt_setup *u, const pt_train_args *args, const char *hosts,
                           pt_resume **out)
{
    pt_resume *st = pt_calloc(1, sizeof *st);
    pt_checkpoint c = {0};
    found f;
    pt_status s = PT_OK;

    *out = NULL;
    if (st) st->root = pt_file_path(u->run->config->run->dir, "checkpoints");
    if (!st || !st->root) s = pt_fail(PT_ERR_NOMEM, "no memory for the start of the run");
    if (s == PT_OK && pt_job_rank() == 0) s = decide(u, args, hosts, st, &c);
    s = pt_job_agree(s);
    if (s == PT_OK) s = share(st, &c, &f);
    if (s == PT_OK && st->kind == PT_RESUME_RESUMED) s = load(u, st, &f);
    pt_checkpoint_fini(&c);
    if (s == PT_OK) {
        *out = st;
        st = NULL;
    }
    pt_resume_destroy(&st);
    return s;
}
