/* A server rank: gathers what the workers say of a step, decides the step record (rank
 * 0), finishes the trees over the shards, updates its keys and sends them. */
#ifndef PT_SERVER_SERVE_H
#define PT_SERVER_SERVE_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "common/run/wire.h"
#include "server/checkpoint/saver.h"
#include "server/norms.h"

typedef struct pt_server pt_server;

/* Of a server since it was made; seconds of CPU time unless said otherwise. */
typedef struct {
    double tree_s;   /* sums over the shards */
    double update_s; /* the optimizer */
    double save_s;   /* that steps waited for checkpoints; seconds of the clock */
    int saves;       /* checkpoints that are complete */
    int missed;      /* that were due, and are not */
    double held_s;   /* nonfinite: skip_all: that weights waited for the vote; likewise */
} pt_server_costs;

/* One finished step, as rank 0 knows it. Pointers are borrowed for the call. */
typedef struct {
    uint64_t step;
    double epoch; /* passes done before it */
    size_t stage;
    int images; /* b */
    pt_batch_means means;
    double ema; /* of CE, what the gate looks at */
    double w;
    bool gate;
    float lr, head_lr;
    const pt_image_norms *norms; /* [images], batch order */
    const double *times; /* [n_workers][PT_PAYLOAD_TIMES] of each worker's step before */
    double seconds;      /* from the record of the step before to this one's */
    pt_server_costs costs; /* of rank 0 */
    const char *skipped;   /* why the step made no update, or NULL */
    bool probed;
    double probe_ce, probe_ptr; /* gradient norms at the last trunk parameter */
} pt_step_report;

/* A test is of the validation images, if there are any, then of the test split, and, at
 * the end, where wanted, of the training images. */
typedef enum { PT_ROWS_TEST, PT_ROWS_TRAIN, PT_ROWS_VALIDATION, PT_ROWS_SETS } pt_rows_of;

/* What rank 0 tells others of; each may be NULL. A failing hook ends the run. */
typedef struct {
    void *context;
    pt_status (*on_step)(void *context, const pt_step_report *report);
    /* logits [n][n_classes] of the images of a set, in the set's order, after `step`. */
    pt_status (*on_rows)(void *context, pt_rows_of set, uint64_t step, bool last,
                         const float *logits, size_t n);
    /* A checkpoint of the state before step `next` begins: what was said until now should
     * outlive a crash. *tally: to be filled with what was counted. */
    pt_status (*on_save)(void *context, uint64_t next, pt_tally *tally);
} pt_server_hooks;

/* Sizes of the sets that workers test on (rank 0; see pt_test_sets in worker/step.h). */
typedef struct {
    size_t n_test, n_train, n_validation;
} pt_test_sizes;

/* Borrows all. rank: 0..n_servers-1. hooks: NULL but on rank 0. save: NULL = no
 * checkpoints, and the run cannot be stopped. */
PT_MUST_USE pt_status pt_server_create(pt_run *run, pt_comm *comm,
                                       const pt_test_sizes *tests,
                                       const pt_server_hooks *hooks,
                                       const pt_save_options *save, pt_server **out);
void pt_server_destroy(pt_server **s);

/* Before the run: goes on from a checkpoint. The run's weights, statistics, features,
 * first_step and test_owed are the caller's to set, on every rank. */
void pt_server_restore(pt_server *s, const pt_state *state, const pt_progress *p);

/* Collective with the workers (pt_worker_run): the run from run->first_step on. *agreed
 * as there. PT_STOPPED: it was asked to stop, and a checkpoint is written. */
PT_MUST_USE pt_status pt_server_run(pt_server *s, bool *agreed);

/* After the last step, where its results cannot be written (why is PT_ERR_IO): leaves a
 * checkpoint of the end, if that can be, so that a run that goes on has only them to
 * write. Returns why, and the text says so. */
PT_MUST_USE pt_status pt_server_keep_end(pt_server *s, pt_status why);

/* Does a save hang? Its thread then works on what the server borrowed until the process
 * ends: nothing of it may be freed, the server included. */
bool pt_server_hangs(const pt_server *s);

/* What it cost until now; after the run all of it. */
const pt_server_costs *pt_server_costs_of(const pt_server *s);

/* Bytes that server `rank` needs besides weights: optimizer state, buffers of sums. */
size_t pt_server_bytes(const pt_run *run, int rank);

#endif
