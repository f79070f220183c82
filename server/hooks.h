/* What a server reports to its caller, and what the caller may do then. Types alone. */
#ifndef PT_SERVER_HOOKS_H
#define PT_SERVER_HOOKS_H

#include "common/run/wire.h"
#include "server/algorithm1.h"
#include "server/checkpoint/tally.h"

/* Costs of a server since its creation; seconds of CPU time unless stated otherwise. */
typedef struct {
    double tree_s;   /* sums over the shards */
    double update_s; /* the optimizer */
    double rest_s;   /* of the thread that serves: messages, copies; on rank 0 also tests
                        and what hooks do */
    uint64_t sent, received; /* bytes, as the carrier counts them */
    double save_s;           /* that steps waited for checkpoints; seconds of the clock */
    int saves;               /* checkpoints that are complete */
    int missed;              /* that were due, but were not written */
    double held_s; /* skip_all, clip_norm: that weights waited for the vote; clock */
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
    double gradient_norm; /* optimizer.clip_norm: of all parameters' gradient, before it
                             is clipped; 0: was not measured */
    const pt_image_norms *norms; /* [images], batch order */
    const double *times; /* [n_workers][PT_PAYLOAD_TIMES] of each worker's step before */
    double seconds;      /* from the record of the step before to this one's */
    pt_server_costs costs;          /* of rank 0 */
    const pt_server_costs *servers; /* [n_servers]; of others as the step began */
    const char *skipped;            /* why the step made no update, or NULL */
    bool probed;
    double probe_ce, probe_ptr; /* gradient norms at the last trunk parameter */
} pt_step_report;

/* A test is of the validation images and of the test split, where there are any, and, at
 * the end, where wanted, of the training images. */
typedef enum { PT_ROWS_TEST, PT_ROWS_TRAIN, PT_ROWS_VALIDATION, PT_ROWS_SETS } pt_rows_of;

/* A second set of weights that a method keeps: its name, and the parameters of this
 * moment [graph->n_param_floats]. */
typedef struct {
    const char *name;
    const float *weights;
} pt_second;

/* Early stopping: what a test says of the run. */
typedef struct {
    bool best; /* no test before it was better: these weights are kept */
    bool over; /* the run ends here, and hands on what is kept */
} pt_test_verdict;

/* What rank 0 reports; each may be NULL. A failing hook ends the run. */
typedef struct {
    void *context;
    pt_status (*on_step)(void *context, const pt_step_report *report);
    /* logits [n][n_classes] of the images of a set, in the set's order, after `step`.
     * Where the run may end early, `last` is only the test of the weights that it hands
     * on. */
    pt_status (*on_rows)(void *context, pt_rows_of set, uint64_t step, bool last,
                         const float *logits, size_t n);
    /* The same of the second set, after the model's own, but never of the training
     * images.
     */
    pt_status (*on_second)(void *context, const pt_second *second, pt_rows_of set,
                           uint64_t step, bool last, const float *logits, size_t n);
    /* The second set as it is at the end of the run, after the last test of it. */
    pt_status (*on_second_end)(void *context, const pt_second *second);
    /* Where the run may end early: the test after `step` is done. The same verdict if it
     * is repeated after a resume. */
    pt_test_verdict (*on_tested)(void *context, uint64_t step);
    /* A checkpoint of the state before step `next` begins: what was reported until now
     * should survive a crash. *tally: to be filled with what was counted. */
    pt_status (*on_save)(void *context, uint64_t next, pt_tally *tally);
} pt_server_hooks;

/* Sizes of the sets that workers test on (rank 0; see pt_test_sets in worker/step.h). */
typedef struct {
    size_t n_test, n_train, n_validation;
} pt_test_sizes;

#endif
