#include "server/checkpoint/saver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/file.h"
#include "common/base/fscall.h"
#include "common/comm/comm.h"
#include "common/data/h5file.h"
#include "server/methods/methods.h"

enum { GENERATIONS = 2, TEXT_BYTES = 1024 };

struct pt_saver {
    const pt_run *run;
    int server;
    pt_save_options o;
    pt_state state;
    pt_progress progress;
    pthread_t thread;
    bool has_thread;
    pt_fscall files; /* what the thread is doing */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool busy, end;
    bool ended; /* a save has ended, and its outcome has not been asked for */
    double began_s;
    pt_status result;
    char text[TEXT_BYTES];
};

/* ---- one save --------------------------------------------------------------------- */

static pt_status wait_for_parts(const char *path, int n_servers, double deadline_s)
{
    const struct timespec pause = {0, 20 * 1000 * 1000};
    double start = pt_clock();

    for (int i = 0; i < n_servers; i++) {
        bool done = false;

        while (!done) {
            pt_status s = pt_checkpoint_part_done(path, i, &done);

            if (s != PT_OK) return s;
            if (!done && pt_clock() - start > deadline_s)
                return pt_fail(PT_ERR_IO,
                               "%s: server %d did not write its part in %.0f s", path, i,
                               deadline_s);
            if (!done) nanosleep(&pause, NULL);
        }
    }
    return PT_OK;
}

/* Two checkpoints and a third one being written may not fit on the disk: then the older
 * one is removed first, if that is enough. */
static pt_status make_way(const pt_saver *s, const char *path, const char *part)
{
    pt_status st = pt_checkpoint_begin(path);

    if (st != PT_OK || s->run->n_servers > 1) return st;
    if (pt_file_check_space(part, pt_part_bytes(s->run, s->server)) == PT_OK ||
        pt_file_check_space(part, pt_part_margin(s->run)) != PT_OK)
        return PT_OK; /* pt_part_write reports what is wrong */
    pt_checkpoint_prune(s->o.root, GENERATIONS - 1);
    return pt_checkpoint_begin(path);
}

static pt_status write_part(pt_saver *s, const char *path)
{
    char *part = pt_checkpoint_part_path(path, s->server);
    pt_status recorded, st = part ? make_way(s, path, part)
                                  : pt_fail(PT_ERR_NOMEM, "%s: no memory", path);

    if (st == PT_OK) st = pt_part_write(part, &s->state, s->server);
    free(part);
    if (st == PT_OK) return pt_checkpoint_record_part(path, s->server, NULL);
    if (s->server == 0) return st;
    recorded = pt_checkpoint_record_part(path, s->server, pt_fail_text());
    return recorded == PT_OK ? st
                             : recorded; /* rank 0 notices by timeout at the latest */
}

static pt_status save(pt_saver *s)
{
    char *path = pt_checkpoint_path(s->o.root, s->progress.step);
    pt_status st = path ? write_part(s, path) : pt_fail(PT_ERR_NOMEM, "no memory");

    if (st == PT_OK && s->server == 0)
        st = wait_for_parts(path, s->run->n_servers, s->o.deadline_s);
    if (st == PT_OK && s->server == 0)
        st = pt_checkpoint_seal(path, s->run->n_servers, &s->progress, s->o.identity);
    if (s->server == 0) pt_checkpoint_prune(s->o.root, GENERATIONS);
    free(path);
    return st;
}

/* ---- the thread ------------------------------------------------------------------- */

static void save_and_report(pt_saver *s)
{
    pt_status st = save(s);

    pthread_mutex_lock(&s->mutex);
    s->result = st;
    snprintf(s->text, sizeof s->text, "%s", st == PT_OK ? "" : pt_fail_text());
    s->busy = false;
    s->ended = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

static void *loop(void *context)
{
    pt_saver *s = context;

    pt_fscall_here(&s->files);
    for (;;) {
        bool end;

        pthread_mutex_lock(&s->mutex);
        while (!s->busy && !s->end) pthread_cond_wait(&s->changed, &s->mutex);
        end = !s->busy;
        pthread_mutex_unlock(&s->mutex);
        if (end) return NULL;
        save_and_report(s);
    }
}

bool pt_saver_busy(pt_saver *s)
{
    bool busy;

    pthread_mutex_lock(&s->mutex);
    busy = s->busy;
    pthread_mutex_unlock(&s->mutex);
    return busy;
}

/* How long the thread has been silent, within this save. */
static double silence(pt_saver *s)
{
    double quiet_s = pt_fscall_quiet_s(&s->files), save_s;

    pthread_mutex_lock(&s->mutex);
    save_s = s->busy ? pt_clock() - s->began_s : 0;
    pthread_mutex_unlock(&s->mutex);
    return quiet_s < save_s ? quiet_s : save_s;
}

pt_status pt_saver_check(pt_saver *s)
{
    double silent_s = silence(s);
    char text[PT_FSCALL_TEXT];

    if (silent_s <= s->o.deadline_s) return PT_OK;
    pt_fscall_describe(&s->files, text);
    return *text ? pt_fail(PT_ERR_IO, "%s", text)
                 : pt_fail(PT_ERR_IO,
                           "the checkpoint writer has made no progress for %.0f s",
                           silent_s);
}

bool pt_saver_in_library(pt_saver *s)
{
    return pt_fscall_in_library(&s->files);
}

pt_state *pt_saver_snapshot(pt_saver *s)
{
    return &s->state;
}

void pt_saver_begin(pt_saver *s, const pt_progress *p)
{
    pthread_mutex_lock(&s->mutex);
    PT_CHECK(!s->busy, "a checkpoint begins while another is being written");
    s->progress = *p;
    s->busy = true;
    s->began_s = pt_clock();
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    if (!s->has_thread) save_and_report(s);
}

bool pt_saver_ended(pt_saver *s, pt_status *how)
{
    bool ended;

    pthread_mutex_lock(&s->mutex);
    ended = s->ended;
    s->ended = false;
    pthread_mutex_unlock(&s->mutex);
    if (ended) *how = s->result == PT_OK ? PT_OK : pt_fail(s->result, "%s", s->text);
    return ended;
}

size_t pt_saver_bytes(const pt_run *r)
{
    size_t sets = pt_optimizer_floats(r) + (r->asks & PT_ASKS_SECOND ? 1 : 0);

    return (r->graph->n_floats + sets * r->graph->n_param_floats + pt_kept_floats(r)) *
           sizeof(float);
}

/* ---- creation --------------------------------------------------------------------- */

/* Ends the thread after the current save; false: that one hangs. */
static bool end_thread(pt_saver *s)
{
    const struct timespec pause = {0, 2 * 1000 * 1000};

    while (pt_saver_busy(s) && pt_saver_check(s) == PT_OK) nanosleep(&pause, NULL);
    pthread_mutex_lock(&s->mutex);
    s->end = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    if (pt_saver_busy(s)) return pthread_detach(s->thread) != 0;
    return pthread_join(s->thread, NULL) == 0;
}

void pt_saver_destroy(pt_saver **ps)
{
    pt_saver *s = ps ? *ps : NULL;

    if (!s) return;
    *ps = NULL;
    if (s->has_thread && !end_thread(s)) return; /* all of it is the thread's */
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->changed);
    free(s->state.flat);
    pt_optimizer_state_fini(&s->state.optimizer);
    free(s->state.second);
    pt_kept_fini(&s->state.kept);
    free(s->state.feature_mean);
    free(s->state.feature_std);
    free(s->state.method);
    free(s);
}

static pt_status make_arrays(pt_saver *s)
{
    const pt_graph *g = s->run->graph;
    size_t dims = (size_t)pt_run_rep_size(s->run);
    bool features = s->run->given.feature_mean != NULL;
    bool second = s->run->asks & PT_ASKS_SECOND;
    size_t n_method = s->server == 0 ? pt_server_methods_floats(s->run) : 0;
    pt_status st = pt_optimizer_state_init(s->run, &s->state.optimizer);

    if (st == PT_OK) st = pt_kept_init(s->run, &s->state.kept);
    if (st != PT_OK) return st;
    s->state.run = s->run;
    s->state.flat = pt_calloc(g->n_floats, sizeof *s->state.flat);
    if (second) s->state.second = pt_calloc(g->n_param_floats, sizeof(float));
    if (features) {
        s->state.feature_mean = pt_calloc(dims, sizeof(float));
        s->state.feature_std = pt_calloc(dims, sizeof(float));
    }
    s->state.responses =
        s->server == 0 ? s->run->given.responses : NULL; /* never change */
    s->state.n_method = n_method;
    if (n_method > 0) s->state.method = pt_calloc(n_method, sizeof(float));
    if (!s->state.flat || (second && !s->state.second) ||
        (n_method > 0 && !s->state.method) ||
        (features && (!s->state.feature_mean || !s->state.feature_std)))
        return pt_fail(PT_ERR_NOMEM,
                       "no memory for the snapshot of a checkpoint (%zu "
                       "bytes)",
                       pt_saver_bytes(s->run));
    return PT_OK;
}

pt_status pt_saver_create(const pt_run *run, int server, const pt_save_options *o,
                          pt_saver **out)
{
    pt_saver *s = pt_calloc(1, sizeof *s);
    pt_status st;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "no memory for the checkpoint writer");
    s->run = run;
    s->server = server;
    s->o = *o;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    pt_fscall_init(&s->files);
    st = make_arrays(s);
    if (st == PT_OK && pt_h5file_safe_for_threads()) {
        s->has_thread = pthread_create(&s->thread, NULL, loop, s) == 0;
        if (!s->has_thread)
            st = pt_fail(PT_ERR_NOMEM, "cannot start the checkpoint writer's thread");
    }
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_saver_destroy(&s);
    return st;
}
