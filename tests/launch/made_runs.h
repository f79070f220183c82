/* Run directories with made-up results, for tests of the report. The tests run inside a
 * temporary directory that holds them. Failures end the test. */
#ifndef PT_TESTS_MADE_RUNS_H
#define PT_TESTS_MADE_RUNS_H

#include "launch/report/table.h"

#define MADE_RUNS_PLAIN "data: {path: d.h5}\n"
#define MADE_RUNS_SML1  MADE_RUNS_PLAIN "pseudo_task: {loss: sml1}\n"
#define MADE_RUNS_L2    MADE_RUNS_PLAIN "pseudo_task: {loss: l2}\n"

enum { MADE_RUNS_MAX = 16 };

typedef struct {
    const char *dir, *settings; /* settings: YAML of the top level */
    int seed;
    double test, train; /* < 0: not measured */
    int gate;           /* -1: never */
    double w;
    const char *hash;
} made_run;

/* Of the group, and after each test. */
int made_runs_enter(void **state);
int made_runs_leave(void **state);
int made_runs_remove(void **state);

void made_runs_make(const made_run *m, size_t n);
void made_runs_dir(const char *dir); /* empty */
void made_runs_file(const char *dir, const char *name, const char *text);

/* Reads all runs made so far and sums them up; both results go to made_runs_release. */
pt_summary *made_runs_sum_up(pt_finished_run **r);
void made_runs_release(pt_summary **u, pt_finished_run **r);

/* The table up to the legend; free it. */
char *made_runs_table(pt_table_style style);

#endif
