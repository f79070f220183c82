/* A scaling series as a table of `ptrain sweep` (proto/sweep.proto). */
#ifndef PT_LAUNCH_SCALE_TABLE_FILE_H
#define PT_LAUNCH_SCALE_TABLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

enum { PT_SCALE_MAX_JOBS = 32 };

/* One job of a series. */
typedef struct {
    int workers;
    int threads; /* of each; 0: the configuration's */
    int batch;   /* data.batch; 0: the configuration's */
    int ranks;   /* that Slurm starts, servers included; 0: not for Slurm */
    int nodes;   /* of Slurm's */
} pt_scale_job;

/* "strong" or "weak": the directory of its runs in `dir`. */
const char *pt_scale_name(bool weak);

/* Writes the table of jobs [n] to path: one row "wN" each, in DIR/strong or DIR/weak.
 * config: an absolute path. With ranks > 0 n must be 1, and the table has a section for
 * Slurm. */
PT_MUST_USE pt_status pt_scale_write_table(const char *path, const char *dir, bool weak,
                                           const char *config, const pt_scale_job *jobs,
                                           size_t n);

#endif
