#include "launch/doctor/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/cores.h"
#include "common/base/file.h"
#include "common/base/quota.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "common/comm/message.h"
#include "common/run/layout.h"
#include "launch/doctor/links.h"
#include "launch/support/gather_to_root.h"
#include "worker/input/fingerprint.h"

/* ---- of this rank ----------------------------------------------------------------- */

static uint64_t free_shm(void)
{
    struct statvfs v;

    return statvfs("/dev/shm", &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

static double wall_minus_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - pt_clock();
}

/* mark: a file that rank 0 has made; "": none. */
static void find_mine(const char *mark, pt_rank_facts *r)
{
    snprintf(r->host, sizeof r->host, "%.*s", PT_FACT_HOST - 1, pt_job_host());
    pt_cores_cpu(r->cpu);
    r->host_number = pt_job_hosts()[pt_job_rank()];
    CPU_ZERO(&r->cores);
    sched_getaffinity(0, sizeof r->cores, &r->cores);
    r->quota = pt_quota_cpus("");
    r->shm_free = free_shm();
    r->wall_s = wall_minus_clock();
    if (pt_input_fingerprint(&r->pixels) != PT_OK) r->pixels = 0;
    r->sees_dir = *mark && access(mark, F_OK) == 0;
}

/* ---- of the run directory --------------------------------------------------------- */

/* The directory, or the one above it that exists; malloc'd. */
static char *existing(const char *dir)
{
    char *path = strdup(*dir ? dir : "."), *slash;
    struct stat st;

    while (path && stat(path, &st) != 0) {
        slash = strrchr(path, '/');
        if (slash && slash > path) {
            *slash = '\0';
            continue;
        }
        snprintf(path, 2, "%s", slash ? "/" : ".");
        break;
    }
    return path;
}

/* Rank 0: *mark, malloc'd, is a file there; "" if none can be made. */
static pt_status try_directory(pt_facts *f, char **mark)
{
    char *path = NULL;
    int fd = -1;

    if (asprintf(&path, "%s/ptrain-doctor", f->dir) < 0)
        return pt_fail(PT_ERR_NOMEM, "no memory for a path");
    f->knows_free = pt_file_free_bytes(path, &f->free_bytes);
    errno = 0;
    if (pt_file_temporary(path, mark, &fd) != PT_OK) {
        f->dir_errno = errno ? errno : EIO;
        *mark = strdup("");
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        f->lock_errno = errno;
    }
    if (fd >= 0) close(fd);
    free(path);
    return *mark ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for a path");
}

/* ---- of the job ------------------------------------------------------------------- */

static int number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? atoi(text) : 0;
}

static pt_status find_job(const pt_config *c, int threads, pt_facts *f)
{
    Pt__Config__Server defaults = PT__CONFIG__SERVER__INIT;
    const Pt__Config__Server *server = c ? c->server : &defaults;
    pt_config shards = PT__CONFIG__CONFIG__INIT;
    const int *host = pt_job_hosts();

    f->n = pt_job_size();
    f->n_hosts = pt_layout_hosts(host, f->n);
    f->launched = pt_under_launcher();
    f->slurm_tasks = number_of("SLURM_NTASKS");
    f->mpi_size = number_of("OMPI_COMM_WORLD_SIZE");
    if (!f->mpi_size) f->mpi_size = number_of("PMI_SIZE");
    f->tags_needed = PT_MSG_MAX_TAG;
    f->threads = threads ? threads : c ? (int)c->engine->threads : 0;
    f->shards = (int)(c ? c->shards : shards.shards);
    f->servers = f->n > 1 ? pt_layout_servers(server, host, f->n) : 0;
    f->spread = server->placement == PT__CONFIG__PLACEMENT__SPREAD;
    return pt_job_largest_tag(&f->tag_ub);
}

/* context [size]: of each rank. */
static void take(void *context, int rank, const void *theirs)
{
    ((pt_rank_facts *)context)[rank] = *(const pt_rank_facts *)theirs;
}

/* mark: of rank 0, to all. */
static pt_status share_mark(char **mark)
{
    size_t n = *mark ? strlen(*mark) + 1 : 0;

    return pt_job_broadcast(0, (void **)mark, &n);
}

pt_status pt_collect_facts(const pt_config *c, int threads, const char *dir,
                           pt_facts *out)
{
    pt_rank_facts *all = pt_calloc((size_t)pt_job_size(), sizeof *all);
    pt_pair_facts *pair = NULL;
    char *mark = NULL;
    pt_status s = all ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the ranks");

    *out = (pt_facts){.rank = all};
    if (s == PT_OK) s = find_job(c, threads, out);
    out->dir = existing(dir ? dir : c ? c->run->dir : ".");
    if (s == PT_OK && !out->dir) s = pt_fail(PT_ERR_NOMEM, "no memory for a path");
    if (s == PT_OK && pt_job_rank() == 0) s = try_directory(out, &mark);
    s = pt_job_agree(s);
    if (s == PT_OK) s = share_mark(&mark);
    if (s == PT_OK) {
        find_mine(mark, all);
        pt_gather_to_root(all, sizeof *all, take, all);
        pt_links_measure(pt_job_hosts(), out->n, all->wall_s, &pair, &out->n_pairs);
    }
    out->pair = pair;
    if (pt_job_rank() == 0 && mark && *mark) unlink(mark);
    free(mark);
    return s;
}

void pt_collect_fini(pt_facts *f)
{
    free((void *)(uintptr_t)f->rank);
    free((void *)(uintptr_t)f->pair);
    free((void *)(uintptr_t)f->dir);
    *f = (pt_facts){0};
}
