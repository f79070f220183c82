/* What finished runs left in their directories (launch/train/run_dir.h). */
#ifndef PT_LAUNCH_REPORT_FINISHED_RUN_H
#define PT_LAUNCH_REPORT_FINISHED_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "launch/report/settings.h"

enum { PT_SHORT_SUM = 12 }; /* characters of a data set's checksum, as a setting */

typedef struct {
    char *dir;            /* as given, without slashes at its end */
    pt_settings settings; /* and data_checksum, source_checksum: their first characters */
    uint64_t seed;
    Pt__Config__RegLoss loss;
    bool plain;          /* no method takes part */
    double test, train;  /* accuracy, percent; NAN where it was not measured */
    double images_per_s; /* NAN where nothing was timed */
    double seconds;
    double gate; /* step at which the gate opened, from 1; NAN: never */
    double w;    /* mean over the steps with w > 0; NAN where there are none */
    char weight_hash[65];
    size_t n_classes; /* 0: unknown */
    int workers;      /* 0: unknown */
} pt_finished_run;

/* Reads result.json and config.yaml of each of dirs [n] into *out [*n_out], in their
 * order; pt_finished_runs_destroy releases it. Whatever is not a finished run (no
 * result.json, no directory) is left out, with a warning. PT_ERR_DATA if nothing is left,
 * or if files of a finished run cannot be read: all such faults, each naming its
 * directory. */
PT_MUST_USE pt_status pt_finished_runs_read(const char *const *dirs, size_t n,
                                            pt_finished_run **out, size_t *n_out);
/* How many ranks were a "worker" or a "server", by environment.json; 0: unknown, as an
 * old run may not have recorded it. */
int pt_finished_run_ranks(const char *dir, const char *role);

void pt_finished_runs_destroy(pt_finished_run **r, size_t n);

#endif
