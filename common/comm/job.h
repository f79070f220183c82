/* The job: start and end of MPI, agreement of all ranks, the one line before death.
 * mpi.h is included in comm_mpi.h only.
 *
 * Functions marked Collective are called by all ranks of the world together. */
#ifndef PT_COMMON_COMM_JOB_H
#define PT_COMMON_COMM_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/comm/comm.h"

/* Seconds without progress that end the job before and after the run (reading weights,
 * writing the model), where the configuration's deadline does not apply. */
enum { PT_JOB_START_S = 300 };

/* Seconds until two ranks that have not heard of each other end the job at its start. */
enum { PT_JOB_REACH_S = 60 };

/* Size of a text in pt_job_gather_text, its final zero included. */
enum { PT_JOB_TEXT_BYTES = 256 };

/* MPI_Init_thread(FUNNELED) with MPI_ERRORS_RETURN; from here on a broken invariant ends
 * in pt_job_die; starts the watchdog and the pulse with a deadline of PT_JOB_START_S.
 * Collective. All ranks get the same status; if it is not PT_OK, one rank has printed the
 * line and only pt_job_end may be called. PT_ERR_USAGE if the launcher belongs to another
 * MPI, or is Slurm without PMIx, so that the ranks cannot see each other (launcher.h);
 * PT_ERR_COMM if this MPI lacks what ptrain needs. */
PT_MUST_USE pt_status pt_job_start(int *argc, char ***argv);

/* Which MPI this program is built with: "Open MPI", "MPICH" (or a derivative), or
 * "another MPI". Static text; valid before start. */
const char *pt_job_mpi(void);

/* The library that it runs with, "Open MPI v4.1.4"; valid before start. Returns out. */
enum { PT_JOB_LIBRARY_BYTES = 256 };
const char *pt_job_mpi_library(char out[PT_JOB_LIBRARY_BYTES]);

/* Rank and size of the job. The rank that launchers know this process by, in
 * MPI_COMM_WORLD, is another one if the ranks have changed places (pt_job_reorder). */
int pt_job_rank(void);
int pt_job_size(void);
int pt_job_world_rank(void);

/* Ranks on this rank's host, and the host's name; both valid after start. */
int pt_job_local_size(void);
const char *pt_job_host(void);

/* [size]: the number of each rank's host, 0, 1, ... in the order of their first world
 * rank. A host is what MPI shares memory on: two network namespaces of one kernel with an
 * mpirun daemon each are two. Valid after start, until the next pt_job_reorder. */
const int *pt_job_hosts(void);

/* The name of a rank's host as error lines show it; dies with the next pt_job_reorder. */
const char *pt_job_host_of(int rank);

/* Collective, between start and the run: rank r is from now on the process that was rank
 * order[r]; order [size] is a permutation, the same everywhere, with order[0] = 0.
 * Messages, collectives, the pulse and lines of errors use the new numbers; no message
 * may be in flight, and byte counts start again. Nothing happens where the order is what
 * it was. The same status everywhere, as of start. */
PT_MUST_USE pt_status pt_job_reorder(const int *order);

/* The largest tag that a message may have (MPI_TAG_UB). Valid after start. */
PT_MUST_USE pt_status pt_job_largest_tag(int *tag);

/* Collective over all ranks of the launcher, between runs: they divide into n
 * jobs, n from 1 to the number of ranks, each of ranks that are neighbours in the
 * launcher's order. From here on this process belongs to one of them, number *part, and
 * everything above and below is about it alone; n = 1 unites all again. Waits for every
 * rank without a deadline and without occupying a core: other jobs may be at work for
 * hours. A rank that dies ends them all. The same status in a job, as of start. */
PT_MUST_USE pt_status pt_job_divide(int n, int *part);

/* The part of n that a rank of the launcher's `size` belongs to then. Pure. */
int pt_job_part(int rank, int size, int n);

/* Seconds without progress after which the job ends with a line that names the debtor. */
void pt_job_set_deadline(double deadline_s);

/* The carrier of messages; one per rank, created by start. */
pt_comm *pt_job_comm(void);

/* Collective: every rank brings its own status. If any failed, the lowest failed rank
 * prints its `error:` lines (PT_STOPPED has none) and all ranks get its status. */
PT_MUST_USE pt_status pt_job_agree(pt_status mine);

/* Collective: root's bytes to all; *data is malloc'd on the others (free it) and *n set.
 */
PT_MUST_USE pt_status pt_job_broadcast(int root, void **data, size_t *n);

/* Collective: root's n bytes to all, in place; n is the same everywhere. */
PT_MUST_USE pt_status pt_job_broadcast_into(int root, void *data, size_t n);

/* Collective: sum of `mine` over the ranks of this host. */
PT_MUST_USE pt_status pt_job_sum_on_host(uint64_t mine, uint64_t *sum);

/* Collective: gathers every rank's text (truncated to fit) on rank 0, malloc'd
 * [size][PT_JOB_TEXT_BYTES]; NULL on the others. A failure ends the job. */
char *pt_job_gather_text(const char *mine);

/* One rank, any time: prints this thread's failure text, preceded by host, step and phase
 * if known, and ends every rank. Prints nothing if another rank, or this rank's watchdog,
 * has printed its line. Ends this process within ten seconds whatever MPI does. */
_Noreturn void pt_job_die(pt_status why);

/* Collective: ends the pulse and the watchdog, finalizes; returns the exit code of s. */
int pt_job_end(pt_status s);

#endif
