/* Which ranks make up a job, in which order, and on which hosts. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/job_state.h"
#include "common/comm/pulse.h"
#include "common/comm/segments.h"
#include "common/comm/watchdog.h"

static pt_status start_pulse(void)
{
    pt_status s = pt_watchdog_start(pt_job.host_name, PT_JOB_START_S,
                                    pt_pulse_stagger(pt_job.comm.rank));

    return s == PT_OK ? pt_pulse_create(&pt_job.comm, &pt_job.comm.pulse) : s;
}

pt_status pt_job_find_host(void)
{
    int n;
    pt_status s = pt_mpi_check(MPI_Comm_split_type(pt_job.world, MPI_COMM_TYPE_SHARED, 0,
                                                   MPI_INFO_NULL, &pt_job.host),
                               "MPI_Comm_split_type");

    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_set_errhandler(pt_job.host, MPI_ERRORS_RETURN),
                         "MPI_Comm_set_errhandler");
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_size(pt_job.host, &pt_job.local_size), "MPI_Comm_size");
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Get_processor_name(pt_job.host_name, &n),
                         "MPI_Get_processor_name");
    return s;
}

/* Communicators, rank and size. */
pt_status pt_job_open_channels(MPI_Comm on)
{
    pt_status s;

    pt_segments_destroy(&pt_job.comm.segments); /* of a run that is over */
    s = pt_comm_mpi_create(on, &pt_job.mpi);
    pt_job.world = pt_job.mpi.channels[PT_CHANNEL_MESSAGES];
    if (s == PT_OK) s = pt_comm_mpi_init(&pt_job.comm, &pt_job.mpi, PT_JOB_START_S);
    if (s == PT_OK)
        pt_log_set_rank(pt_job.comm.size > 1 ? pt_job.comm.rank : -1, pt_job.world_rank);
    return s;
}

/* Every rank knows every host's name, as any of them may have to name one. The pulse runs
 * while the names arrive, so that a rank that does not start is named as well. */
static pt_status share_hosts(void)
{
    size_t n = (size_t)pt_job.comm.size * PT_JOB_TEXT_BYTES;
    char mine[PT_JOB_TEXT_BYTES + 32], *hosts;
    pt_status s;

    _Static_assert((int)PT_JOB_TEXT_BYTES == (int)PT_PULSE_HOST_BYTES,
                   "texts are host names");
    snprintf(mine, sizeof mine, "%.200s", pt_job.host_name);
    if (pt_job.comm.rank != pt_job.world_rank)
        snprintf(mine, sizeof mine, "%.200s, world rank %d", pt_job.host_name,
                 pt_job.world_rank);
    hosts = pt_job_gather_text(mine);
    s = pt_job_broadcast(0, (void **)&hosts, &n);
    if (s == PT_OK) pt_pulse_set_hosts(pt_job.comm.pulse, hosts);
    return s;
}

/* From here on ranks watch each other. Collective. */
pt_status pt_job_watch(void)
{
    pt_status s = pt_job_agree(start_pulse());

    if (s == PT_OK) return share_hosts();
    pt_job.comm.pulse =
        NULL; /* not every rank has one; leaked, as MPI may still write there */
    return s;
}

/* In place: first [size], the first rank of each rank's host. */
static void number(int *first, int size)
{
    int n = 0;

    for (int r = 0; r < size; r++) first[r] = first[r] == r ? n++ : first[first[r]];
}

/* Which ranks share a host: pt_job.hosts. Collective. */
pt_status pt_job_number_hosts(void)
{
    int size = pt_job.comm.size, first = pt_job.comm.rank;
    MPI_Request r;
    pt_status s;

    pt_job.hosts = pt_calloc((size_t)size, sizeof *pt_job.hosts);
    s = pt_job_agree(
        pt_job.hosts ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %d hosts", size));
    if (s != PT_OK) return s;
    s = pt_mpi_check(
        MPI_Iallreduce(&pt_job.comm.rank, &first, 1, MPI_INT, MPI_MIN, pt_job.host, &r),
        "MPI_Iallreduce");
    if (s == PT_OK) s = pt_job_wait(&r, "the ranks of this host");
    pt_job.hosts[pt_job.comm.rank] = first;
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, pt_job.hosts, size, MPI_INT,
                                        MPI_MAX, pt_job.world, &r),
                         "MPI_Iallreduce");
    if (s == PT_OK) s = pt_job_wait(&r, "the hosts of all ranks");
    if (s != PT_OK) pt_job_die(s);
    number(pt_job.hosts, size);
    return PT_OK;
}

/* order [size] moves the ranks: this one to `to`. Collective. */
static void renumber(const int *order, int to)
{
    int *hosts = pt_calloc((size_t)pt_job.comm.size, sizeof *hosts);
    MPI_Comm ordered = MPI_COMM_NULL;
    pt_status s = hosts ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the hosts");

    for (int r = 0; s == PT_OK && r < pt_job.comm.size; r++)
        hosts[r] = pt_job.hosts[order[r]];
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_split(pt_job.base, 0, to, &ordered), "MPI_Comm_split");
    if (s != PT_OK) pt_job_die(s);
    pt_comm_mpi_destroy(&pt_job.mpi);
    s = pt_job_open_channels(ordered);
    if (s != PT_OK) pt_job_die(s);
    MPI_Comm_free(&ordered);
    free(pt_job.hosts);
    pt_job.hosts = hosts;
}

pt_status pt_job_reorder(const int *order)
{
    bool same = true;
    int to = 0;

    for (int r = 0; r < pt_job.comm.size; r++) {
        same = same && order[r] == r;
        if (order[r] == pt_job.comm.rank) to = r;
    }
    if (same) return PT_OK;
    pt_pulse_end(pt_job.comm.pulse);
    pt_pulse_destroy(&pt_job.comm.pulse);
    renumber(order, to); /* the watchdog of each rank still sees whether it hangs */
    pt_watchdog_stop();
    return pt_job_watch();
}

/* Until every rank of the launcher is here; nothing watches, nothing hurries. */
static pt_status wait_for_all(void)
{
    const struct timespec nap = {.tv_nsec = 5000000};
    MPI_Request r;
    int done = 0;
    pt_status s = pt_mpi_check(MPI_Ibarrier(MPI_COMM_WORLD, &r), "MPI_Ibarrier");

    while (s == PT_OK && !done) {
        s = pt_mpi_check(MPI_Test(&r, &done, MPI_STATUS_IGNORE), "MPI_Test");
        if (s == PT_OK && !done) nanosleep(&nap, NULL);
    }
    return s;
}

/* The job's communicators give way to those of part `part` of all ranks. */
static pt_status become_part(int part)
{
    MPI_Comm was = pt_job.base;
    pt_status s = pt_mpi_check(
        MPI_Comm_split(MPI_COMM_WORLD, part, pt_job.world_rank, &pt_job.base),
        "MPI_Comm_split");

    if (s != PT_OK) return s;
    pt_comm_mpi_destroy(&pt_job.mpi);
    MPI_Comm_free(&pt_job.host);
    if (was != MPI_COMM_WORLD) MPI_Comm_free(&was);
    free(pt_job.hosts);
    pt_job.hosts = NULL;
    s = pt_job_open_channels(pt_job.base);
    return s == PT_OK ? pt_job_find_host() : s;
}

int pt_job_part(int rank, int size, int n)
{
    return (int)((int64_t)rank * n / size);
}

pt_status pt_job_divide(int n, int *part)
{
    int size = 0;
    pt_status s;

    pt_pulse_end(pt_job.comm.pulse);
    pt_pulse_destroy(&pt_job.comm.pulse);
    pt_watchdog_stop();
    s = wait_for_all();
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
    *part = pt_job_part(pt_job.world_rank, size > 0 ? size : 1, n);
    if (s == PT_OK) s = become_part(*part);
    if (s != PT_OK) pt_job_die(s);
    s = pt_job_watch();
    return s == PT_OK ? pt_job_number_hosts() : s;
}
