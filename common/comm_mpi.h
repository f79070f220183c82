/* MPI as the carrier of pt_comm's messages. */
#ifndef PT_COMMON_COMM_MPI_H
#define PT_COMMON_COMM_MPI_H

#include <mpi.h>

#include "common/comm.h"

/* A comm over `mpi`, which is borrowed and returns errors (MPI_ERRORS_RETURN). */
PT_MUST_USE pt_status pt_comm_mpi_init(pt_comm *c, MPI_Comm *mpi, double deadline_s);

/* PT_ERR_COMM with MPI's text if `code` is an error. */
PT_MUST_USE pt_status pt_mpi_check(int code, const char *call);

#endif
