/* Where a run may end early: what it will hand on, the weights and running statistics
 * after the best test so far. Each server keeps those of its keys. Pure: no MPI, no
 * files. */
#ifndef PT_SERVER_KEPT_H
#define PT_SERVER_KEPT_H

#include "common/run/run.h"

/* Plain value; zeros: the run cannot end early. */
typedef struct {
    float *flat; /* [graph->n_floats] */
    float *
        second; /* [graph->n_param_floats]: a method's second set at that time, or NULL */
    bool flat_lent; /* flat is not the heap's: it has changed places with the run's */
} pt_kept;

/* Zeros, until something is kept. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_kept_init(const pt_run *run, pt_kept *out);
void pt_kept_fini(pt_kept *k);

/* Floats of both arrays. */
size_t pt_kept_floats(const pt_run *run);

/* Copies keys [n] of the run's weights, all statistics, and keys of second
 * [n_param_floats] (NULL: there is none). */
void pt_kept_take(pt_kept *k, const pt_run *run, const float *second, const int *keys,
                  int n);

/* Copies keys [n], and all statistics, to the same places of *to. */
void pt_kept_copy(const pt_kept *k, const pt_run *run, const int *keys, int n,
                  pt_kept *to);

/* What is kept and what the run has change places: run->flat, which others may still be
 * reading, by its address, and second by its values. The same again undoes it. */
void pt_kept_swap(pt_kept *k, pt_run *run, float *second);

#endif
