/* The launcher of this process (mpirun, srun, Hydra), as far as its environment variables
 * tell. Known before MPI starts. Local; no MPI. */
#ifndef PT_COMMON_COMM_LAUNCHER_H
#define PT_COMMON_COMM_LAUNCHER_H

#include <stdbool.h>

#include "common/base/status.h"

/* Was this process started by mpirun, srun or another launcher of several? */
bool pt_under_launcher(void);

/* Is it the first of a launcher's processes, or not started by one? So one of them can
 * print for all. */
bool pt_launcher_is_first(void);

/* Before a process ends with what all of them have found, and MPI has not started: waits
 * 2 s if it is not the first. The launcher ends all as soon as one has ended with another
 * code than 0, and the first has yet to say why. */
void pt_launcher_let_first_speak(void);

/* Before MPI_Init. PT_ERR_USAGE if srun has started this process with a PMI that this MPI
 * cannot use (srun --mpi=none or pmi2, Open MPI 4): MPI_Init would print a page, twice a
 * rank, and abort. mpi: pt_job_mpi(). */
PT_MUST_USE pt_status pt_launcher_check_start(const char *mpi);

/* After it, in a job of one rank. PT_ERR_USAGE if the launcher has started several, each
 * of which believes to be alone: a launcher of another MPI, or srun without PMIx and Open
 * MPI 5. version: of the MPI that this program is built with. */
PT_MUST_USE pt_status pt_launcher_check_alone(const char *version);

#endif
