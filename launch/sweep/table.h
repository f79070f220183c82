/* A table of experiments (proto/sweep.proto) as a list of runs, each with its checked
 * configuration, before anything starts. */
#ifndef PT_LAUNCH_SWEEP_TABLE_H
#define PT_LAUNCH_SWEEP_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config/config.h"
#include "launch/sweep/data.h"
#include "proto/sweep.pb-c.h"

typedef enum {
    PT_SWEEP_NEW,
    PT_SWEEP_UNFINISHED, /* its directory exists: it resumes */
    PT_SWEEP_DONE
} pt_sweep_state;

typedef struct {
    char *name; /* "ROW/seed-3" */
    char
        *dir; /* its run directory; "DIR.yaml", "DIR.log" are its configuration and log */
    pt_config *config;
    pt_sweep_state state;
    double accuracy; /* on the test split, where it is done; NAN: it has none */
} pt_sweep_run;

typedef struct {
    pt_config_file *file;
    const Pt__Sweep__Table *table; /* the file's */
    pt_sweep_run *runs;            /* [n], rows in the table's order, seeds within */
    size_t n;
} pt_sweep;

/* Reads the table at path. sets [n_sets]: override every run, last. only: NULL, or a
 * pattern (fnmatch) for names, where "ROW" means all below it. All faults are
 * reported: of the table, then of the configurations, each once, at its location, with
 * the runs that have it; then PT_ERR_CONFIG. PT_ERR_USAGE if a directory holds another
 * run. */
PT_MUST_USE pt_status pt_sweep_create(const char *path, const char *const *sets,
                                      size_t n_sets, const char *only, pt_sweep **out);
void pt_sweep_destroy(pt_sweep **s);

/* text as a YAML string in single quotes: a path may hold # or ': '. */
void pt_sweep_quote(FILE *out, const char *text);

/* Writes the configuration of a run beside its directory: "DIR.yaml", resolved. */
PT_MUST_USE pt_status pt_sweep_write_config(const pt_sweep_run *r);

enum { PT_SWEEP_ACCURACY = 24 };

/* "83.33 %", or "not tested", into text, which it returns. */
const char *pt_sweep_accuracy(const pt_sweep_run *r, char text[PT_SWEEP_ACCURACY]);

/* Looks at a run's directory: state, accuracy. PT_ERR_USAGE naming the keys where it is
 * another run's, or its data sets where they are others now; data NULL: not looked at. */
PT_MUST_USE pt_status pt_sweep_look(pt_sweep_run *r, pt_sweep_data *data);

#endif
