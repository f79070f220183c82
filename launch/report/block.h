/* Runs that can be compared: of one method, over seeds, and of several methods. Pure. */
#ifndef PT_LAUNCH_REPORT_BLOCK_H
#define PT_LAUNCH_REPORT_BLOCK_H

#include <stdbool.h>

#include "launch/report/finished_run.h"

/* Over the values that are numbers. */
typedef struct {
    size_t n;
    double mean; /* NAN for n = 0 */
    double std;  /* with n - 1; NAN for n < 2 */
} pt_stat;

pt_stat pt_stat_of(const double *x, size_t n);

/* To two decimals, as it is printed; no -0. */
double pt_rounded(double x);

typedef struct pt_method_runs {
    char *name;                   /* pt_label_method */
    const pt_finished_run **runs; /* [n_runs], one per seed, in order of seed */
    size_t n_runs, n_shut;        /* n_shut: runs whose gate never opened; 0 for plain */
    pt_stat train, test;          /* percent */
    pt_stat gate, w;              /* over the runs whose gate opened */
    pt_stat images_per_s, seconds;
    const struct pt_method_runs *baseline; /* plain runs of the same block and variant, or
                                         NULL; NULL for a plain method */
    pt_stat gain; /* test - test of the baseline, over the seeds of both; percent */
    double half_width, p; /* of the gain (launch/report/significance.h) */
    size_t n_up;          /* seeds of the gain at which it is positive */
    double error_cut; /* 100 gain / (100 - baseline), baseline over the same seeds, in %;
                         NAN where there is none */
    int style;        /* launch/report/styles.h */
} pt_method_runs;

/* The first run that was tested; NULL: none was. */
const pt_finished_run *pt_method_runs_tested(const pt_method_runs *m);

/* The run with this seed, or NULL. */
const pt_finished_run *pt_method_runs_find(const pt_method_runs *m, uint64_t seed);

/* test of a - test of b at each seed that both have: d [n_runs of a]. Their number. */
size_t pt_method_runs_differences(const pt_method_runs *a, const pt_method_runs *b,
                                  double *d);

/* Runs that agree in everything but seed, method and variant (launch/report/settings.h).
 */
typedef struct {
    char *title; /* pt_label_block */
    pt_method_runs *methods;
    size_t n_methods;
    char *verdict; /* pt_verdict_text */
    char **notes;  /* [n_notes]: what the numbers do not show */
    size_t n_notes;
} pt_block;

#endif
