#include "common/comm/job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/comm/job_state.h"
#include "common/comm/launcher.h"
#include "common/comm/pulse.h"
#include "common/comm/reach.h"
#include "common/comm/segments.h"
#include "common/comm/watchdog.h"

#if defined(OPEN_MPI)
static const char mpi_name[] = "Open MPI";
#elif defined(MPICH_VERSION)
static const char mpi_name[] = "MPICH";
#else
static const char mpi_name[] = "another MPI";
#endif

struct pt_job_state pt_job;

const char *pt_job_mpi(void)
{
    return mpi_name;
}

int pt_job_rank(void)
{
    return pt_job.comm.rank;
}

int pt_job_size(void)
{
    return pt_job.comm.size;
}

int pt_job_world_rank(void)
{
    return pt_job.world_rank;
}

int pt_job_local_size(void)
{
    return pt_job.local_size;
}

const char *pt_job_host(void)
{
    return pt_job.host_name;
}

const int *pt_job_hosts(void)
{
    return pt_job.hosts;
}

const char *pt_job_host_of(int rank)
{
    return pt_pulse_host(pt_job.comm.pulse, rank);
}

pt_comm *pt_job_comm(void)
{
    return &pt_job.comm;
}

static void die_of_check(const char *text)
{
    pt_status s = pt_fail(PT_ERR_BUG, "%s", text);

    pt_job_die(s);
}

const char *pt_job_mpi_library(char out[PT_JOB_LIBRARY_BYTES])
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int n;

    MPI_Get_library_version(mpi, &n);
    mpi[strcspn(mpi, ",\n")] = '\0';
    snprintf(out, PT_JOB_LIBRARY_BYTES, "%.*s", PT_JOB_LIBRARY_BYTES - 1, mpi);
    return out;
}

/* A launcher's processes that believe to be alone: only the first prints the error. */
static pt_status check_launcher(void)
{
    char mpi[PT_JOB_LIBRARY_BYTES];
    pt_status s;

    if (pt_job.comm.size > 1) return PT_OK;
    s = pt_launcher_check_alone(pt_job_mpi_library(mpi));
    pt_job.mute = s != PT_OK && !pt_job.first;
    return s;
}

pt_status pt_job_largest_tag(int *tag)
{
    return pt_comm_mpi_largest_tag(tag);
}

void pt_job_set_deadline(double deadline_s)
{
    pt_job.comm.deadline_s = deadline_s;
    pt_watchdog_set_deadline(deadline_s);
}

/* On the world itself, as a duplicate takes collectives. */
static pt_status reach_all(void)
{
    pt_comm_mpi on = {{0}};
    char host[MPI_MAX_PROCESSOR_NAME];
    pt_comm c;
    int n;
    pt_status s =
        pt_mpi_check(MPI_Get_processor_name(host, &n), "MPI_Get_processor_name");

    on.channels[PT_CHANNEL_MESSAGES] = MPI_COMM_WORLD;
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                         "MPI_Comm_set_errhandler");
    if (s == PT_OK) s = pt_comm_mpi_init(&c, &on, PT_JOB_REACH_S);
    return s == PT_OK ? pt_reach(&c, host, PT_JOB_REACH_S) : s;
}

static pt_status open_world(void)
{
    pt_status s =
        pt_mpi_check(MPI_Comm_rank(MPI_COMM_WORLD, &pt_job.world_rank), "MPI_Comm_rank");

    pt_job.base = MPI_COMM_WORLD;
    pt_job.comm.rank = pt_job.world_rank;
    if (s == PT_OK) s = reach_all();
    if (s == PT_OK) s = pt_job_open_channels(pt_job.base);
    return s == PT_OK ? pt_job_find_host() : s;
}

static pt_status check_mpi(int level)
{
    pt_status s = pt_comm_mpi_check_tags();

    if (s == PT_OK && level < MPI_THREAD_FUNNELED)
        s = pt_fail(PT_ERR_COMM,
                    "this MPI provides thread level %d, but ptrain needs FUNNELED (%d)",
                    level, MPI_THREAD_FUNNELED);
    return s == PT_OK ? check_launcher() : s;
}

pt_status pt_job_start(int *argc, char ***argv)
{
    int level = 0;
    pt_status s = pt_launcher_check_start(mpi_name);

    /* Now, as the MPI_Init of a process without a launcher sets variables. */
    pt_job.first = pt_launcher_is_first();
    if (s != PT_OK) {
        /* There is nobody to agree with. */
        if (pt_job.first) pt_log_error(pt_fail_text());
        pt_launcher_let_first_speak();
        return s;
    }
    s = pt_mpi_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level),
                     "MPI_Init_thread");
    pt_job.started = s == PT_OK;
    pt_job.mpi_thread = pthread_self();
    if (s == PT_OK) s = open_world();
    if (s != PT_OK) pt_job_die(s); /* no communicator to agree on */
    pt_check_set_handler(die_of_check);
    s = pt_job_agree(check_mpi(level));
    if (s == PT_OK) s = pt_job_watch();
    return s == PT_OK ? pt_job_number_hosts() : s;
}

static void print_line(void)
{
    const char *text = pt_fail_text();
    char where[512], *line = NULL;

    pt_watchdog_where(where, sizeof where);
    if (!strstr(text, "error: ") && asprintf(&line, "%s%s", where, text) >= 0)
        text = line;
    pt_log_error(text);
    free(line);
}

/* Without a pulse no rank knows that another has printed its line. Rank 0 prints first,
 * and its abort ends the others, which fail for the same reason, before their turn. */
static void take_turn(void)
{
    double s = pt_pulse_stagger(pt_job.comm.rank) / 5;

    nanosleep(&(struct timespec){.tv_sec = (time_t)s}, NULL);
}

void pt_job_die(pt_status why)
{
    int code = pt_status_exit_code(why);
    bool may_call = pt_job.started && pthread_equal(pthread_self(), pt_job.mpi_thread);

    if (!pt_job.comm.pulse) take_turn();
    if (pt_watchdog_claim_line()) {
        print_line();
        pt_watchdog_end_soon(code);
        if (may_call && pt_job.comm.pulse) pt_pulse_announce(pt_job.comm.pulse, code);
    }
    code = pt_pulse_code(pt_job.comm.pulse, code);
    pt_watchdog_end_soon(code);
    if (pt_job.started) MPI_Abort(MPI_COMM_WORLD, code);
    _exit(code);
}

int pt_job_end(pt_status s)
{
    if (pt_job.started) {
        pt_job_set_deadline(PT_JOB_START_S);
        if (pt_job.comm.pulse) pt_pulse_end(pt_job.comm.pulse);
        pt_pulse_destroy(&pt_job.comm.pulse);
        free(pt_job.hosts);
        pt_job.hosts = NULL;
        MPI_Comm_free(&pt_job.host);
        pt_comm_mpi_destroy(&pt_job.mpi);
        MPI_Finalize();
        pt_segments_destroy(&pt_job.comm.segments);
        pt_watchdog_stop();
        pt_job.started = false;
    }
    return pt_status_exit_code(s);
}
