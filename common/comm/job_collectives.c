/* What all ranks of a job do together before and after the run. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/float_mode.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/job_state.h"
#include "common/comm/pulse.h"
#include "common/comm/watchdog.h"

/* Waits for a collective, with the deadline of messages. what: "the other ranks to
 * agree". Before the run the MPI may have loaded libraries for it. */
pt_status pt_job_wait(MPI_Request *r, const char *what)
{
    pt_idle idle;

    pt_watchdog_waits(what);
    pt_idle_begin(&idle);
    for (;;) {
        int done = 0;
        pt_status s = pt_mpi_check(MPI_Test(r, &done, MPI_STATUS_IGNORE), "MPI_Test");

        if (s == PT_OK && done) pt_watchdog_waits(NULL);
        if (s == PT_OK && done && pt_job.comm.pulse) pt_pulse_progress(pt_job.comm.pulse);
        if (s == PT_OK && done) pt_float_mode_standard();
        if (s != PT_OK || done) return s;
        pt_idle_pause(&idle);
        if (!pt_comm_late(&pt_job.comm, &idle, NULL, 0)) continue;
        return pt_job.comm.pulse ? pt_pulse_fail(pt_job.comm.pulse, NULL, 0)
                                 : pt_fail(PT_ERR_COMM, "waited %.0f s for %s",
                                           pt_job.comm.deadline_s, what);
    }
}

pt_status pt_job_agree(pt_status mine)
{
    int first, rank = mine == PT_OK ? pt_job.comm.size : pt_job.comm.rank;
    int code = (int)mine;
    MPI_Request r;
    pt_status s;

    s = pt_mpi_check(MPI_Iallreduce(&rank, &first, 1, MPI_INT, MPI_MIN, pt_job.world, &r),
                     "MPI_Iallreduce");
    if (s == PT_OK) s = pt_job_wait(&r, "the other ranks to agree");
    if (s != PT_OK) pt_job_die(s);
    if (first == pt_job.comm.size) return PT_OK;
    if (first == pt_job.comm.rank && mine != PT_STOPPED && !pt_job.mute)
        pt_log_error(pt_fail_text());
    s = pt_mpi_check(MPI_Ibcast(&code, 1, MPI_INT, first, pt_job.world, &r),
                     "MPI_Ibcast");
    if (s == PT_OK) s = pt_job_wait(&r, "the other ranks to agree");
    return s != PT_OK ? s : (pt_status)code;
}

pt_status pt_job_broadcast_into(int root, void *data, size_t n)
{
    for (size_t at = 0; at < n; at += PT_MSG_PART_BYTES) {
        size_t part = n - at < PT_MSG_PART_BYTES ? n - at : PT_MSG_PART_BYTES;
        MPI_Request r;
        pt_status s = pt_mpi_check(
            MPI_Ibcast((char *)data + at, (int)part, MPI_BYTE, root, pt_job.world, &r),
            "MPI_Ibcast");

        if (s == PT_OK) s = pt_job_wait(&r, "a broadcast");
        if (s != PT_OK) return s;
    }
    return PT_OK;
}

pt_status pt_job_broadcast(int root, void **data, size_t *n)
{
    uint64_t bytes = *n;
    pt_status s = pt_job_broadcast_into(root, &bytes, sizeof bytes);

    if (s != PT_OK) return s;
    if (pt_job.comm.rank != root) {
        *n = bytes;
        *data = malloc(bytes ? bytes : 1);
        if (!*data) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for a broadcast"));
    }
    return pt_job_broadcast_into(root, *data, bytes);
}

pt_status pt_job_sum_on_host(uint64_t mine, uint64_t *sum)
{
    MPI_Request r;
    pt_status s = pt_mpi_check(
        MPI_Iallreduce(&mine, sum, 1, MPI_UINT64_T, MPI_SUM, pt_job.host, &r),
        "MPI_Iallreduce");

    return s == PT_OK ? pt_job_wait(&r, "a sum over this host") : s;
}

static pt_status receive_texts(char *all, pt_request *r)
{
    size_t n = 0;
    pt_status s = PT_OK;

    for (int i = 1; i < pt_job.comm.size && s == PT_OK; i++)
        s = pt_comm_recv(&pt_job.comm, i, PT_MSG_TEXT, 0,
                         all + (size_t)i * PT_JOB_TEXT_BYTES, PT_JOB_TEXT_BYTES, &r[n++]);
    return s == PT_OK ? pt_comm_wait(&pt_job.comm, r, n) : s;
}

char *pt_job_gather_text(const char *mine)
{
    bool root = pt_job.comm.rank == 0;
    size_t n = root ? (size_t)pt_job.comm.size : 1;
    char *all = calloc(n, PT_JOB_TEXT_BYTES);
    pt_request *r = calloc(n, sizeof *r);
    pt_status s;

    if (!all || !r) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for the ranks' texts"));
    snprintf(all, PT_JOB_TEXT_BYTES, "%s", mine);
    if (root) {
        s = receive_texts(all, r);
    } else {
        s = pt_comm_send(&pt_job.comm, 0, PT_MSG_TEXT, 0, all, PT_JOB_TEXT_BYTES, r);
        if (s == PT_OK) s = pt_comm_wait(&pt_job.comm, r, 1);
    }
    if (s != PT_OK) pt_job_die(s); /* all and r may still be MPI's */
    free(r);
    if (root) return all;
    free(all);
    return NULL;
}
