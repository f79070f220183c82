/* A method's hooks in the server: the files server/methods/NAME.c of the table's lines
 * (common/config/methods.h). Hooks of one kind are called in the order of the table,
 * which is the order in which they add to a sum. A hook that is NULL does nothing. Pure:
 * no MPI, no files. */
#ifndef PT_SERVER_METHODS_METHOD_H
#define PT_SERVER_METHODS_METHOD_H

#include "common/run/coupling.h"
#include "common/run/run.h"

/* The rows of a batch [b], in batch order; `layout` gives the offsets of their parts. */
typedef struct {
    uint64_t step;
    const double *rows;
    int b;
    pt_row layout;
} pt_rows;

/* How strongly weight decay draws a key's weights, and to what: [key count], NULL for 0.
 */
typedef struct {
    float coefficient;
    const float *anchor;
} pt_decay;

typedef struct {
    /* What the method keeps from step to step; the other hooks get it as self, NULL where
     * there is no `create`. After a failure of it *self is destroyed, if not NULL.
     * Every server, `rank` of them; for a method of the batch only rank 0 has any. */
    pt_status (*create)(const pt_run *run, int rank, void **self);
    void (*destroy)(void *self);
    /* Bytes of that; NULL: next to nothing. */
    size_t (*bytes)(const pt_run *run, int rank);

    /* Of that, floats that the next step depends on, for checkpoints: how many there are
     * in any run, and where they are (a resume writes to them). */
    size_t (*floats)(const pt_run *run);
    float *(*state)(void *self);

    /* Before the first step, PT_ASKS_FEATURES: features [n][rep size] of the training
     * images, and their labels. */
    pt_status (*start)(void *self, const float *features, const int32_t *labels,
                       size_t n);

    /* Before the first step, PT_ASKS_RELATION: the outputs of the weights' own classifier
     * for the training images, rows [n][classes], to run->given.responses. */
    pt_status (*relate)(const pt_run *run, const float *rows, size_t n, size_t classes);

    /* A batch's rows, borrowed until the next call: *penalty is what the method adds to
     * the batch's loss. */
    pt_status (*take)(void *self, const pt_rows *rows, double *penalty);
    /* Terms for the images first..first+n-1 of that batch, of the size that the table
     * states. */
    void (*terms)(const void *self, int first, int n, double *out);

    /* PT_ASKS_SECOND: the second set of weights, this server's keys at their offsets in
     * [graph->n_param_floats], and its name: of its file, "NAME.h5", and in checkpoints.
     */
    const char *second;
    float *(*weights)(void *self);

    /* How a key's weight decay differs from the optimizer's. */
    void (*decay)(const pt_run *run, const pt_key *key, pt_decay *decay);
    /* The weights have moved, by this step's gradients: advances what follows them. */
    void (*moved)(void *self, const pt_rows *rows);
} pt_server_method;

#define PT_SERVER_METHOD(NAME, name, run, worker, server, ...)                           \
    PT_IF_##server(extern const pt_server_method pt_server_##name;)
PT_METHOD_LIST(PT_SERVER_METHOD)

/* NULL: a method without hooks here. */
extern const pt_server_method *const pt_server_methods_table[PT_N_METHODS];

#endif
