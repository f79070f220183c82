/* MPI as the carrier of pt_comm's messages. */
#ifndef PT_COMMON_COMM_COMM_MPI_H
#define PT_COMMON_COMM_COMM_MPI_H

#include <mpi.h>

#include "common/comm/carrier.h"

/* A communicator for each channel. */
typedef struct {
    MPI_Comm channels[PT_CHANNELS];
} pt_comm_mpi;

/* Duplicates `mpi` for each channel, with MPI_ERRORS_RETURN. Collective on mpi.
 * PT_ERR_COMM on failure; *m must not be used then. */
PT_MUST_USE pt_status pt_comm_mpi_create(MPI_Comm mpi, pt_comm_mpi *m);
/* Collective. */
void pt_comm_mpi_destroy(pt_comm_mpi *m);

/* MPI_TAG_UB; an MPI that does not tell gives what the standard guarantees. Local. */
PT_MUST_USE pt_status pt_comm_mpi_largest_tag(int *tag);

/* PT_ERR_COMM if this MPI's largest tag (MPI_TAG_UB) is below PT_MSG_MAX_TAG, which the
 * standard guarantees. Local. */
PT_MUST_USE pt_status pt_comm_mpi_check_tags(void);

/* A comm over m, which is borrowed. */
PT_MUST_USE pt_status pt_comm_mpi_init(pt_comm *c, pt_comm_mpi *m, double deadline_s);

/* PT_ERR_COMM with MPI's text if `code` is an error. */
PT_MUST_USE pt_status pt_mpi_check(int code, const char *call);

#endif
