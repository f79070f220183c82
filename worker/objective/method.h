/* A method's hooks in the worker: the files worker/objective/NAME.c of the table's lines
 * (common/config/methods.h). objective.c calls them, in the order in which they stand
 * here; those of one kind in the order of the table.
 *
 * A hook that is NULL does nothing. Hooks with an image i are called by the threads of
 * the pool, each image once; they write to nothing but what is that image's. Methods that
 * go with a second data set meet source images (pt_is_source), which are the business of
 * that data set's method alone. */
#ifndef PT_WORKER_OBJECTIVE_METHOD_H
#define PT_WORKER_OBJECTIVE_METHOD_H

#include <math.h>

#include "common/run/run.h"
#include "common/run/wire.h"
#include "worker/engine/net/net.h"
#include "worker/engine/threads.h"
#include "worker/objective/cross_entropy.h"

/* The step under way: this worker's images [n], and what is known of them so far. */
typedef struct {
    const pt_run *run;
    pt_threads *pool;
    uint64_t step;
    pt_span span;
    int n;
    int b;                 /* target images of the whole batch */
    const int32_t *labels; /* [n]; where a method asks for the mirror, [n] more */
    uint32_t *places;      /* [n] in the plan's images; PT_ASKS_ANSWERS, else NULL */
    const float *logits;   /* [n][classes] */
    double *p;             /* [n][classes]: their softmax; PT_SENDS_PROBABILITIES */
    const float *rep;      /* [n][rep size] */
    const float *g_ce;     /* [n][rep size]: the cross-entropy's gradient there */
    double weight;         /* w of the step record */
    pt_shard_sums *images; /* [n]: as if the image were a shard */
} pt_batch;

/* Is image i of the second data set? Its labels come after the target's classes. */
static inline bool pt_is_source(const pt_batch *b, int i)
{
    return b->labels[i] >= b->run->graph->n_classes;
}

/* Takes weight * loss of image i into its penalty. */
static inline void pt_penalize(const pt_batch *b, int i, double weight, double loss)
{
    pt_shard_sums *image = &b->images[i];

    image->penalty += weight * loss;
    if (!isfinite(loss)) image->bad = 1;
}

typedef struct {
    /* Of the net that trains, before it is made. */
    void (*net_options)(const pt_run *run, pt_net_options *o);

    /* What the method keeps from step to step, and the bytes of that; net: the options of
     * the net that trains. The other hooks get it as self, NULL where there is no
     * `create`. After a failure of it *self is destroyed, if it is not NULL. */
    pt_status (*create)(const pt_run *run, const pt_net_options *net, void **self);
    void (*destroy)(void *self);
    size_t (*bytes)(const pt_run *run, const pt_net_options *net);
    /* A net of the method's own. */
    pt_net *(*net)(void *self);

    /* A step begins: the pixels that the net gets instead of these. */
    const float *(*input)(void *self, const pt_batch *b, const float *pixels);
    /* What the classes of image i should be: t is its label alone, or what a method
     * before this one made of it. */
    void (*classes)(void *self, const pt_batch *b, int i, pt_class_target *t);
    /* At the source head: z [source classes] to its gradient g, the batch mean's times
     * the method's weight. At most one method of a run has this. */
    void (*at_source)(void *self, const pt_batch *b, int i, const float *z, float *g);
    /* At feature maps, by pt_net_add_map_gradient. On the caller's thread. */
    pt_status (*at_maps)(void *self, const pt_batch *b, pt_net *net, const float *pixels);
    /* At the representation, before w is known: losses and norms into b->images[i]. */
    void (*regress)(void *self, const pt_batch *b, int i);
    /* PT_SENDS_SUMS: adds image i to its shard's sums [2 rep size]. */
    void (*add_sums)(const void *self, const pt_batch *b, int i, double *sums);

    /* After the step record. terms: what the server's side of the method sent for this
     * worker's images; NULL: nothing. */
    /* Adds to image i's gradient at the logits g [classes]. */
    void (*at_logits)(void *self, const pt_batch *b, int i, const double *terms,
                      float *g);
    /* Adds to image i's gradient at the representation g [rep size]. */
    void (*at_rep)(void *self, const pt_batch *b, int i, const double *terms, float *g);
    /* The gradient that w is the weight of, [n][rep size]; one method has this. */
    const float *(*gradient)(const void *self);
} pt_worker_method;

#define PT_WORKER_METHOD(NAME, name, run, worker, ...)                                   \
    PT_IF_##worker(extern const pt_worker_method pt_worker_##name;)
PT_METHOD_LIST(PT_WORKER_METHOD)

/* NULL: a method without hooks here. */
extern const pt_worker_method *const pt_worker_methods[PT_N_METHODS];

#endif
