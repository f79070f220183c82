#include "common/comm/job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

#include "common/base/log.h"
#include "common/comm/comm_mpi.h"
#include "common/comm/launcher.h"
#include "common/comm/pulse.h"
#include "common/comm/segments.h"
#include "common/comm/watchdog.h"

#if defined(OPEN_MPI)
static const char mpi_name[] = "Open MPI";
#elif defined(MPICH_VERSION)
static const char mpi_name[] = "MPICH";
#else
static const char mpi_name[] = "another MPI";
#endif

/* The job is one per process: MPI itself is. */
static struct {
    bool started, first;  /* first: of the launcher's processes */
    bool mute;            /* another process prints this one's error */
    pt_comm_mpi mpi;      /* duplicates of the world, for our messages only */
    MPI_Comm world, host; /* of collectives: the messages' channel; this host's ranks */
    pt_comm comm;
    pthread_t mpi_thread;
    int world_rank, local_size;
    int *hosts; /* [comm.size] */
    char host_name[MPI_MAX_PROCESSOR_NAME];
} job;

const char *pt_job_mpi(void)
{
    return mpi_name;
}

int pt_job_rank(void)
{
    return job.comm.rank;
}

int pt_job_size(void)
{
    return job.comm.size;
}

int pt_job_world_rank(void)
{
    return job.world_rank;
}

int pt_job_local_size(void)
{
    return job.local_size;
}

const char *pt_job_host(void)
{
    return job.host_name;
}

const int *pt_job_hosts(void)
{
    return job.hosts;
}

const char *pt_job_host_of(int rank)
{
    return pt_pulse_host(job.comm.pulse, rank);
}

pt_comm *pt_job_comm(void)
{
    return &job.comm;
}

static void die_of_check(const char *text)
{
    pt_status s = pt_fail(PT_ERR_BUG, "%s", text);

    pt_job_die(s);
}

/* A launcher's processes that believe to be alone: only the first prints the error. */
static pt_status check_launcher(void)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    pt_status s;
    int n;

    if (job.comm.size > 1) return PT_OK;
    MPI_Get_library_version(mpi, &n);
    mpi[strcspn(mpi, ",\n")] = '\0';
    s = pt_launcher_check_alone(mpi);
    job.mute = s != PT_OK && !job.first;
    return s;
}

pt_status pt_job_largest_tag(int *tag)
{
    return pt_comm_mpi_largest_tag(tag);
}

void pt_job_set_deadline(double deadline_s)
{
    job.comm.deadline_s = deadline_s;
    pt_watchdog_set_deadline(deadline_s);
}

static pt_status start_pulse(void)
{
    pt_status s =
        pt_watchdog_start(job.host_name, PT_JOB_START_S, pt_pulse_stagger(job.comm.rank));

    return s == PT_OK ? pt_pulse_create(&job.comm, &job.comm.pulse) : s;
}

static pt_status find_host(void)
{
    int n;
    pt_status s = pt_mpi_check(
        MPI_Comm_split_type(job.world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &job.host),
        "MPI_Comm_split_type");

    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_set_errhandler(job.host, MPI_ERRORS_RETURN),
                         "MPI_Comm_set_errhandler");
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_size(job.host, &job.local_size), "MPI_Comm_size");
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Get_processor_name(job.host_name, &n),
                         "MPI_Get_processor_name");
    return s;
}

/* Communicators, rank and size. */
static pt_status open_channels(MPI_Comm on)
{
    pt_status s = pt_comm_mpi_create(on, &job.mpi);

    job.world = job.mpi.channels[PT_CHANNEL_MESSAGES];
    if (s == PT_OK) s = pt_comm_mpi_init(&job.comm, &job.mpi, PT_JOB_START_S);
    if (s == PT_OK)
        pt_log_set_rank(job.comm.size > 1 ? job.comm.rank : -1, job.world_rank);
    return s;
}

static pt_status open_world(void)
{
    pt_status s =
        pt_mpi_check(MPI_Comm_rank(MPI_COMM_WORLD, &job.world_rank), "MPI_Comm_rank");

    job.comm.rank = job.world_rank;
    if (s == PT_OK) s = open_channels(MPI_COMM_WORLD);
    return s == PT_OK ? find_host() : s;
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

/* Waits for a collective, with the deadline of messages. what: "the other ranks to
 * agree". */
static pt_status wait_native(MPI_Request *r, const char *what)
{
    pt_idle idle;

    pt_watchdog_waits(what);
    pt_idle_begin(&idle);
    for (;;) {
        int done = 0;
        pt_status s = pt_mpi_check(MPI_Test(r, &done, MPI_STATUS_IGNORE), "MPI_Test");

        if (s == PT_OK && done) pt_watchdog_waits(NULL);
        if (s == PT_OK && done && job.comm.pulse) pt_pulse_progress(job.comm.pulse);
        if (s != PT_OK || done) return s;
        pt_idle_pause(&idle);
        if (!pt_comm_late(&job.comm, &idle, NULL, 0)) continue;
        return job.comm.pulse ? pt_pulse_fail(job.comm.pulse, NULL, 0)
                              : pt_fail(PT_ERR_COMM, "waited %.0f s for %s",
                                        job.comm.deadline_s, what);
    }
}

/* Every rank knows every host's name, as any of them may have to name one. The pulse runs
 * while the names arrive, so that a rank that does not start is named as well. */
static pt_status share_hosts(void)
{
    size_t n = (size_t)job.comm.size * PT_JOB_TEXT_BYTES;
    char mine[PT_JOB_TEXT_BYTES + 32], *hosts;
    pt_status s;

    _Static_assert((int)PT_JOB_TEXT_BYTES == (int)PT_PULSE_HOST_BYTES,
                   "texts are host names");
    snprintf(mine, sizeof mine, "%.200s", job.host_name);
    if (job.comm.rank != job.world_rank)
        snprintf(mine, sizeof mine, "%.200s, world rank %d", job.host_name,
                 job.world_rank);
    hosts = pt_job_gather_text(mine);
    s = pt_job_broadcast(0, (void **)&hosts, &n);
    if (s == PT_OK) pt_pulse_set_hosts(job.comm.pulse, hosts);
    return s;
}

/* From here on ranks watch each other. Collective. */
static pt_status watch(void)
{
    pt_status s = pt_job_agree(start_pulse());

    if (s == PT_OK) return share_hosts();
    job.comm.pulse =
        NULL; /* not every rank has one; leaked, as MPI may still write there */
    return s;
}

/* In place: first [size], the first rank of each rank's host. */
static void number(int *first, int size)
{
    int n = 0;

    for (int r = 0; r < size; r++) first[r] = first[r] == r ? n++ : first[first[r]];
}

/* Which ranks share a host: job.hosts. Collective. */
static pt_status number_hosts(void)
{
    int size = job.comm.size, first = job.comm.rank;
    MPI_Request r;
    pt_status s;

    job.hosts = pt_calloc((size_t)size, sizeof *job.hosts);
    s = pt_job_agree(job.hosts ? PT_OK
                               : pt_fail(PT_ERR_NOMEM, "no memory for %d hosts", size));
    if (s != PT_OK) return s;
    s = pt_mpi_check(
        MPI_Iallreduce(&job.comm.rank, &first, 1, MPI_INT, MPI_MIN, job.host, &r),
        "MPI_Iallreduce");
    if (s == PT_OK) s = wait_native(&r, "the ranks of this host");
    job.hosts[job.comm.rank] = first;
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, job.hosts, size, MPI_INT, MPI_MAX,
                                        job.world, &r),
                         "MPI_Iallreduce");
    if (s == PT_OK) s = wait_native(&r, "the hosts of all ranks");
    if (s != PT_OK) pt_job_die(s);
    number(job.hosts, size);
    return PT_OK;
}

pt_status pt_job_start(int *argc, char ***argv)
{
    int level = 0;
    pt_status s = pt_launcher_check_start(mpi_name);

    job.first = pt_launcher_is_first(); /* now: a singleton's MPI_Init sets variables */
    if (s != PT_OK) {                   /* there is nobody to agree with */
        if (job.first) pt_log_error(pt_fail_text());
        return s;
    }
    s = pt_mpi_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level),
                     "MPI_Init_thread");
    job.started = s == PT_OK;
    job.mpi_thread = pthread_self();
    if (s == PT_OK) s = open_world();
    if (s != PT_OK) pt_job_die(s); /* no communicator to agree on */
    pt_check_set_handler(die_of_check);
    s = pt_job_agree(check_mpi(level));
    if (s == PT_OK) s = watch();
    return s == PT_OK ? number_hosts() : s;
}

/* order [size] moves the ranks: this one to `to`. Collective. */
static void renumber(const int *order, int to)
{
    int *hosts = pt_calloc((size_t)job.comm.size, sizeof *hosts);
    MPI_Comm ordered = MPI_COMM_NULL;
    pt_status s = hosts ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the hosts");

    for (int r = 0; s == PT_OK && r < job.comm.size; r++) hosts[r] = job.hosts[order[r]];
    if (s == PT_OK)
        s = pt_mpi_check(MPI_Comm_split(MPI_COMM_WORLD, 0, to, &ordered),
                         "MPI_Comm_split");
    if (s != PT_OK) pt_job_die(s);
    pt_comm_mpi_destroy(&job.mpi);
    s = open_channels(ordered);
    if (s != PT_OK) pt_job_die(s);
    MPI_Comm_free(&ordered);
    free(job.hosts);
    job.hosts = hosts;
}

pt_status pt_job_reorder(const int *order)
{
    bool same = true;
    int to = 0;

    for (int r = 0; r < job.comm.size; r++) {
        same = same && order[r] == r;
        if (order[r] == job.comm.rank) to = r;
    }
    if (same) return PT_OK;
    pt_pulse_end(job.comm.pulse);
    pt_pulse_destroy(&job.comm.pulse);
    renumber(order, to); /* the watchdog of each rank still sees whether it hangs */
    pt_watchdog_stop();
    return watch();
}

pt_status pt_job_agree(pt_status mine)
{
    int first, rank = mine == PT_OK ? job.comm.size : job.comm.rank;
    int code = (int)mine;
    MPI_Request r;
    pt_status s;

    s = pt_mpi_check(MPI_Iallreduce(&rank, &first, 1, MPI_INT, MPI_MIN, job.world, &r),
                     "MPI_Iallreduce");
    if (s == PT_OK) s = wait_native(&r, "the other ranks to agree");
    if (s != PT_OK) pt_job_die(s);
    if (first == job.comm.size) return PT_OK;
    if (first == job.comm.rank && mine != PT_STOPPED && !job.mute)
        pt_log_error(pt_fail_text());
    s = pt_mpi_check(MPI_Ibcast(&code, 1, MPI_INT, first, job.world, &r), "MPI_Ibcast");
    if (s == PT_OK) s = wait_native(&r, "the other ranks to agree");
    return s != PT_OK ? s : (pt_status)code;
}

pt_status pt_job_broadcast_into(int root, void *data, size_t n)
{
    for (size_t at = 0; at < n; at += PT_MSG_PART_BYTES) {
        size_t part = n - at < PT_MSG_PART_BYTES ? n - at : PT_MSG_PART_BYTES;
        MPI_Request r;
        pt_status s = pt_mpi_check(
            MPI_Ibcast((char *)data + at, (int)part, MPI_BYTE, root, job.world, &r),
            "MPI_Ibcast");

        if (s == PT_OK) s = wait_native(&r, "a broadcast");
        if (s != PT_OK) return s;
    }
    return PT_OK;
}

pt_status pt_job_broadcast(int root, void **data, size_t *n)
{
    uint64_t bytes = *n;
    pt_status s = pt_job_broadcast_into(root, &bytes, sizeof bytes);

    if (s != PT_OK) return s;
    if (job.comm.rank != root) {
        *n = bytes;
        *data = malloc(bytes ? bytes : 1);
        if (!*data) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for a broadcast"));
    }
    return pt_job_broadcast_into(root, *data, bytes);
}

pt_status pt_job_sum_on_host(uint64_t mine, uint64_t *sum)
{
    MPI_Request r;
    pt_status s =
        pt_mpi_check(MPI_Iallreduce(&mine, sum, 1, MPI_UINT64_T, MPI_SUM, job.host, &r),
                     "MPI_Iallreduce");

    return s == PT_OK ? wait_native(&r, "a sum over this host") : s;
}

static pt_status receive_texts(char *all, pt_request *r)
{
    size_t n = 0;
    pt_status s = PT_OK;

    for (int i = 1; i < job.comm.size && s == PT_OK; i++)
        s = pt_comm_recv(&job.comm, i, PT_MSG_TEXT, 0,
                         all + (size_t)i * PT_JOB_TEXT_BYTES, PT_JOB_TEXT_BYTES, &r[n++]);
    return s == PT_OK ? pt_comm_wait(&job.comm, r, n) : s;
}

char *pt_job_gather_text(const char *mine)
{
    bool root = job.comm.rank == 0;
    size_t n = root ? (size_t)job.comm.size : 1;
    char *all = calloc(n, PT_JOB_TEXT_BYTES);
    pt_request *r = calloc(n, sizeof *r);
    pt_status s;

    if (!all || !r) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for the ranks' texts"));
    snprintf(all, PT_JOB_TEXT_BYTES, "%s", mine);
    if (root) {
        s = receive_texts(all, r);
    } else {
        s = pt_comm_send(&job.comm, 0, PT_MSG_TEXT, 0, all, PT_JOB_TEXT_BYTES, r);
        if (s == PT_OK) s = pt_comm_wait(&job.comm, r, 1);
    }
    if (s != PT_OK) pt_job_die(s); /* all and r may still be MPI's */
    free(r);
    if (root) return all;
    free(all);
    return NULL;
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
    double s = pt_pulse_stagger(job.comm.rank) / 5;

    nanosleep(&(struct timespec){.tv_sec = (time_t)s}, NULL);
}

void pt_job_die(pt_status why)
{
    int code = pt_status_exit_code(why);
    bool may_call = job.started && pthread_equal(pthread_self(), job.mpi_thread);

    if (!job.comm.pulse) take_turn();
    if (pt_watchdog_claim_line()) {
        print_line();
        pt_watchdog_end_soon(code);
        if (may_call && job.comm.pulse) pt_pulse_announce(job.comm.pulse, code);
    }
    code = pt_pulse_code(job.comm.pulse, code);
    pt_watchdog_end_soon(code);
    if (job.started) MPI_Abort(MPI_COMM_WORLD, code);
    _exit(code);
}

int pt_job_end(pt_status s)
{
    if (job.started) {
        pt_job_set_deadline(PT_JOB_START_S);
        if (job.comm.pulse) pt_pulse_end(job.comm.pulse);
        pt_pulse_destroy(&job.comm.pulse);
        free(job.hosts);
        job.hosts = NULL;
        MPI_Comm_free(&job.host);
        pt_comm_mpi_destroy(&job.mpi);
        MPI_Finalize();
        pt_segments_destroy(&job.comm.segments);
        pt_watchdog_stop();
        job.started = false;
    }
    return pt_status_exit_code(s);
}
