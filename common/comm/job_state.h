/* What the files of the job share. Internal to common/comm. */
#ifndef PT_COMMON_COMM_JOB_STATE_H
#define PT_COMMON_COMM_JOB_STATE_H

#include <pthread.h>
#include <stdbool.h>

#include "common/base/status.h"
#include "common/comm/comm_mpi.h"

/* The job is one per process: MPI itself is. */
struct pt_job_state {
    bool started, first;  /* first: of the launcher's processes */
    bool mute;            /* another process prints this one's error */
    pt_comm_mpi mpi;      /* duplicates of the world, for our messages only */
    MPI_Comm world, host; /* of collectives: the messages' channel; this host's ranks */
    MPI_Comm base;        /* what it was made from: all ranks, or a part of them */
    pt_comm comm;
    pthread_t mpi_thread;
    int world_rank, local_size;
    int *hosts; /* [comm.size] */
    char host_name[MPI_MAX_PROCESSOR_NAME];
};

extern struct pt_job_state pt_job;

/* Waits for a collective, with the deadline of messages. what: "the other ranks to
 * agree".
 */
PT_MUST_USE pt_status pt_job_wait(MPI_Request *r, const char *what);

/* Communicators, rank and size. */
PT_MUST_USE pt_status pt_job_open_channels(MPI_Comm on);

/* This host's ranks, and its name. */
PT_MUST_USE pt_status pt_job_find_host(void);

/* From here on ranks watch each other. Collective. */
PT_MUST_USE pt_status pt_job_watch(void);

/* Which ranks share a host. Collective. */
PT_MUST_USE pt_status pt_job_number_hosts(void);

#endif
