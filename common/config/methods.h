/* The table of methods: the only place outside a method's own files that names it.
 *
 * One line is one method. Everything else (worker/objective/objective.c, the server, the
 * wire, launch, the report) loops over the table, in its order: that is the order in
 * which methods add to a loss or a gradient, so it decides bits.
 *
 * A method has hooks of its own in up to three files, where its line says YES:
 *     common/run/NAME.c         what is found or read before the first step
 *                               (run/method.h)
 *     worker/objective/NAME.c   losses and gradients (worker/objective/method.h)
 *     server/methods/NAME.c     what needs the whole batch, or the parameters
 *                               (server/methods/method.h)
 * launch/docs/adding-a-method.md walks through an example. Pure. */
#ifndef PT_COMMON_CONFIG_METHODS_H
#define PT_COMMON_CONFIG_METHODS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"

/* What a method asks of the run while it is on. */
enum {
    /* before the first step (pt_given in common/run/run.h) */
    PT_ASKS_FEATURES = 1 << 0, /* rank 0: the training images' representations */
    PT_ASKS_MOMENTS = 1 << 1,  /* everyone: mean and deviation of the same */
    PT_ASKS_ANSWERS = 1 << 2,  /* the weights' own classifier as source head, and its
                                  outputs for each training image */
    PT_ASKS_RELATION = 1 << 3, /* that classifier, and its outputs for each class */
    PT_ASKS_LABELS = 1 << 4,   /* the training images' labels */
    PT_ASKS_START = 1 << 5,    /* a copy of the start weights */
    PT_ASKS_SOURCE = 1 << 6,   /* a second data set, and a source head with its classes */

    /* in every step */
    PT_ASKS_MIRROR = 1 << 7,  /* also the images of the batch in reverse order */
    PT_ASKS_RUNNING = 1 << 8, /* the running statistics from before the step */
    PT_ASKS_TARGETS = 1 << 9, /* that every image is of the target task */

    /* with the payload: to rank 0 before the backward pass (common/run/wire.h) */
    PT_SENDS_LABEL = 1 << 10,         /* each image's label */
    PT_SENDS_PROBABILITIES = 1 << 11, /* its class probabilities */
    PT_SENDS_REP = 1 << 12,           /* its representation */
    PT_SENDS_SUMS = 1 << 13,          /* each shard's sums of gradients */

    /* in tests, checkpoints and what a run leaves: a second set of weights, which the
       server keeps (server/methods/method.h); one method of a run at most */
    PT_ASKS_SECOND = 1 << 14
};

/* Name; hooks in run, worker, server; the key that switches it on; is it on; what a table
 * of results calls it; what it asks for; doubles that rank 0 returns to a worker for each
 * of its images, and besides. Expressions of c, and the last two of classes and dims. */
#define PT_METHOD_LIST(X)                                                                \
    X(PSEUDO_TASK, pseudo_task, NO, YES, NO, "pseudo_task.loss",                         \
      c->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE,                                \
      c->pseudo_task->loss == PT__CONFIG__REG_LOSS__L2 ? "PtR-L2" : "PtR-SML1",          \
      (c->pseudo_task->target == PT__CONFIG__TARGET__MATCHED ? PT_ASKS_MOMENTS : 0) |    \
          (c->pseudo_task->norm == PT__CONFIG__PSEUDO_TASK__NORM__BATCH ? PT_SENDS_SUMS  \
                                                                        : 0),            \
      0, 0)                                                                              \
    X(FNP, fnp, NO, YES, NO, "regularizers.fnp.weight",                                  \
      c->regularizers->fnp->weight > 0, "FNP", 0, 0, 0)                                  \
    X(CONFUSION, confusion, NO, YES, YES, "regularizers.confusion.weight",               \
      c->regularizers->confusion->weight > 0, "PC",                                      \
      PT_ASKS_TARGETS | PT_SENDS_LABEL | PT_SENDS_PROBABILITIES, 1 + classes, 0)         \
    X(ADARAND, adarand, NO, YES, YES, "regularizers.adarand.weight",                     \
      c->regularizers->adarand->weight > 0, "AdaRand",                                   \
      PT_ASKS_FEATURES | PT_ASKS_LABELS | PT_ASKS_TARGETS | PT_SENDS_LABEL |             \
          PT_SENDS_REP,                                                                  \
      dims, 0)                                                                           \
    X(BSS, bss, NO, YES, YES, "regularizers.bss.weight",                                 \
      c->regularizers->bss->weight > 0, "BSS", PT_ASKS_TARGETS | PT_SENDS_REP,           \
      c->regularizers->bss->k, c->regularizers->bss->k * dims)                           \
    X(L2_SP, l2_sp, NO, NO, YES, "regularizers.l2_sp.alpha",                             \
      c->regularizers->l2_sp->alpha > 0 || c->regularizers->l2_sp->beta > 0, "L2-SP",    \
      PT_ASKS_START, 0, 0)                                                               \
    X(LWF, lwf, NO, YES, NO, "regularizers.lwf.weight",                                  \
      c->regularizers->lwf->weight > 0, "LwF", PT_ASKS_ANSWERS | PT_ASKS_TARGETS, 0, 0)  \
    X(JOINT, joint, NO, YES, NO, "regularizers.joint.weight",                            \
      c->regularizers->joint->weight > 0,                                                \
      c->source->draw == PT__CONFIG__SOURCE_DRAW__NEIGHBOURS ? "BTfW"                    \
                                                             : "joint training",         \
      PT_ASKS_SOURCE, 0, 0)                                                              \
    X(CO_TUNING, co_tuning, NO, YES, YES, "regularizers.co_tuning.weight",               \
      c->regularizers->co_tuning->weight > 0, "Co-Tuning",                               \
      PT_ASKS_RELATION | PT_ASKS_LABELS | PT_ASKS_TARGETS, 0, 0)                         \
    X(WEIGHTING, weighting, NO, YES, NO, "cross_entropy.weights",                        \
      c->cross_entropy->weights != PT__CONFIG__CROSS_ENTROPY__WEIGHTS__EQUAL,            \
      "class weights", PT_ASKS_LABELS | PT_ASKS_TARGETS, 0, 0)                           \
    X(LABEL_SMOOTHING, label_smoothing, NO, YES, NO, "cross_entropy.label_smoothing",    \
      c->cross_entropy->label_smoothing > 0, "label smoothing", 0, 0, 0)                 \
    X(MIXUP, mixup, NO, YES, NO, "cross_entropy.mixup", c->cross_entropy->mixup > 0,     \
      "mixup", PT_ASKS_MIRROR | PT_ASKS_TARGETS, 0, 0)                                   \
    X(CUTMIX, cutmix, NO, YES, NO, "cross_entropy.cutmix", c->cross_entropy->cutmix > 0, \
      "CutMix", PT_ASKS_MIRROR | PT_ASKS_TARGETS, 0, 0)                                  \
    X(DELTA, delta, YES, YES, NO, "regularizers.delta.weight",                           \
      c->regularizers->delta->weight > 0,                                                \
      c->regularizers->delta->attention ? "DELTA with attention" : "DELTA",              \
      PT_ASKS_START | PT_ASKS_TARGETS, 0, 0)                                             \
    X(STOCH_NORM, stoch_norm, NO, YES, NO, "network.stoch_norm",                         \
      c->network->stoch_norm < 1, "StochNorm", PT_ASKS_RUNNING, 0, 0)                    \
    X(AVERAGE, average, NO, NO, YES, "average.kind",                                     \
      c->average->kind == PT__CONFIG__AVERAGE__KIND__EMA, "EMA", PT_ASKS_SECOND, 0, 0)

#define PT_METHOD_ENUM(NAME, ...) PT_METHOD_##NAME,
typedef enum { PT_METHOD_LIST(PT_METHOD_ENUM) PT_N_METHODS } pt_method_id;

/* For tables of hooks: PT_IF_##side(what the side's hooks need). */
#define PT_IF_YES(...) __VA_ARGS__
#define PT_IF_NO(...)

/* A line as code. title and asks are for a method that is on. */
typedef struct {
    const char *name, *key;
    bool (*is_on)(const pt_config *c);
    const char *(*title)(const pt_config *c);
    unsigned (*asks)(const pt_config *c);
    /* Doubles of terms for n images of a worker; n > 0. */
    size_t (*terms)(const pt_config *c, size_t classes, size_t dims, size_t n);
} pt_method_facts;

extern const pt_method_facts pt_methods[PT_N_METHODS];

/* All that the methods of c ask for. */
unsigned pt_methods_ask(const pt_config *c);

/* The first method of c that asks for one of `what`; PT_N_METHODS: none does. */
pt_method_id pt_methods_first(const pt_config *c, unsigned what);

/* "PtR-SML1 + L2-SP", or "" where no method is on. malloc'd; NULL without memory. */
char *pt_methods_title(const pt_config *c);

/* Calls found for every two settings of c that cannot be trained together, each given by
 * its key; `why` continues "KEY ...", the fault's text. */
typedef struct {
    const char *key, *other, *why;
} pt_conflict;
void pt_methods_conflicts(const pt_config *c,
                          void (*found)(void *context, const pt_conflict *x),
                          void *context);

#endif
