/* The runs of a sweep as a Slurm array job. */
#ifndef PT_LAUNCH_SWEEP_SLURM_H
#define PT_LAUNCH_SWEEP_SLURM_H

#include "launch/sweep/table.h"

/* Writes the batch script for the runs that are not done to path, and each run's
 * configuration beside its directory. A task that is stopped before its time limit
 * (SIGUSR1) writes a checkpoint and is requeued. *n: tasks; 0: nothing to do, no
 * script is written. PT_ERR_CONFIG if a name or an option of the table cannot be in an
 * #SBATCH line: control characters; in the name of a directory " and \\ too. */
PT_MUST_USE pt_status pt_sweep_write_slurm(const pt_sweep *s, const char *path,
                                           size_t *n);

#endif
