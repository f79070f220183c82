/* The filters that `ptrain borrow` describes images with: Gabor's, or layers of a network
 * whose weights are in a file. */
#ifndef PT_LAUNCH_BORROW_FILTERS_H
#define PT_LAUNCH_BORROW_FILTERS_H

#include <stddef.h>

#include "launch/support/args.h"
#include "launch/support/classifier.h"
#include "worker/borrow/activations.h"
#include "worker/borrow/gabor.h"

    typedef struct {
    const char *path;    /* weights; NULL: Gabor filters */
    const char *network; /* its name, or NULL: a model file's own */
    pt_words layers;     /* none: the first two ReLUs */
} pt_filters_options;

typedef struct {
    pt_bank bank;
    pt_gabor *gabor; /* or these: */
    pt_classifier model;
    int *nodes;
    pt_activations *activations;
} pt_filters;

/* Collective: the same on all ranks, whose files must be the same; a failure is agreed.
 * *out is to be ended by pt_filters_fini, also after a failure. */
PT_MUST_USE pt_status pt_filters_open(const pt_filters_options *opt, pt_filters *out);
void pt_filters_fini(pt_filters *f);

#endif
