#include "common/run/placement.h"

#include "common/base/cores.h"

/* For how many workers each core is. */
static void count_users(const int *core, const pt_place *rank, int n, int *users)
{
    for (int c = 0; c < CPU_SETSIZE; c++) users[c] = 0;
    for (int r = 0; r < n; r++) {
        cpu_set_t cores;

        pt_cores_of(core, &rank[r].allowed, &cores);
        for (int c = 0; c < CPU_SETSIZE; c++)
            users[c] += !rank[r].server && CPU_ISSET(c, &cores);
    }
}

static int share_of(const cpu_set_t *cores, const int *users)
{
    double sum = 1e-9; /* thirds add up to one */

    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, cores)) sum += 1.0 / users[c];
    if (sum > PT_PLACE_MAX_THREADS) return PT_PLACE_MAX_THREADS;
    return sum < 1 ? 1 : (int)sum;
}

/* The CPUs of these cores only. */
static void keep(const int *core, const cpu_set_t *cores, cpu_set_t *cpus)
{
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (!CPU_ISSET(core[c], cores)) CPU_CLR(c, cpus);
}

/* Binds a worker to the lowest free cores that it may use; false: there are too few. */
static bool bind_worker(const int *core, pt_place *r, cpu_set_t *free)
{
    cpu_set_t cores, own;
    int left = r->threads;

    pt_cores_of(core, &r->allowed, &cores);
    CPU_AND(&cores, &cores, free);
    CPU_ZERO(&own);
    for (int c = 0; c < CPU_SETSIZE && left > 0; c++) {
        if (!CPU_ISSET(c, &cores)) continue;
        CPU_SET(c, &own);
        CPU_CLR(c, free);
        left--;
    }
    keep(core, &own, &r->use);
    r->bound = left == 0;
    return r->bound;
}

/* The worker that is not bound yet and may use the fewest cores; -1: all are bound. */
static int next_worker(const int *core, const pt_place *rank, int n)
{
    int next = -1, fewest = CPU_SETSIZE + 1;

    for (int r = 0; r < n; r++) {
        cpu_set_t cores;

        if (rank[r].server || rank[r].bound) continue;
        pt_cores_of(core, &rank[r].allowed, &cores);
        if (CPU_COUNT(&cores) >= fewest) continue;
        next = r;
        fewest = CPU_COUNT(&cores);
    }
    return next;
}

/* All servers to the cores that are left. */
static void bind_servers(const int *core, pt_place *rank, int n, const cpu_set_t *free)
{
    int servers = 0;

    for (int r = 0; r < n; r++) servers += rank[r].server;
    for (int r = 0; r < n; r++) {
        cpu_set_t left;

        pt_cores_of(core, &rank[r].allowed, &left);
        CPU_AND(&left, &left, free);
        if (!rank[r].server || CPU_COUNT(&left) < servers) continue;
        keep(core, &left, &rank[r].use);
        rank[r].bound = true;
    }
}

/* false: not all workers can be bound. */
static bool bind(const int *core, pt_place *rank, int n)
{
    cpu_set_t free;
    int r;

    CPU_ZERO(&free);
    for (int c = 0; c < CPU_SETSIZE; c++) CPU_SET(c, &free);
    while ((r = next_worker(core, rank, n)) >= 0)
        if (!bind_worker(core, &rank[r], &free)) return false;
    bind_servers(core, rank, n, &free);
    return true;
}

static void unbind(pt_place *rank, int n)
{
    for (int r = 0; r < n; r++) {
        rank[r].use = rank[r].allowed;
        rank[r].bound = false;
    }
}

/* Threads of all, none bound; false: the cores of some rank are not known. */
static bool divide(const int *core, pt_place *rank, int n)
{
    int users[CPU_SETSIZE];
    bool known = true;

    unbind(rank, n);
    count_users(core, rank, n, users);
    for (int r = 0; r < n; r++) {
        cpu_set_t cores;

        pt_cores_of(core, &rank[r].allowed, &cores);
        rank[r].threads = rank[r].server ? 0 : share_of(&cores, users);
        known = known && CPU_COUNT(&cores) > 0;
    }
    return known;
}

/* Takes threads from workers until there are no more than the quota has time for; false:
 * there were no more. */
static bool fit(pt_place *rank, int n, int quota)
{
    int threads = 0;

    for (int r = 0; r < n; r++) threads += rank[r].threads;
    if (quota == 0 || threads <= quota) return false;
    for (int r = 0; r < n; r++) {
        int share = rank[r].threads * quota / threads;

        if (!rank[r].server) rank[r].threads = share > 1 ? share : 1;
    }
    return true;
}

void pt_place_ranks(const int *core, pt_place *rank, int n, int quota)
{
    bool several = divide(core, rank, n) && !fit(rank, n, quota);

    for (int r = 0; r < n; r++)
        several = several && (rank[r].server || rank[r].threads > 1);
    if (several && !bind(core, rank, n)) unbind(rank, n);
}

/* Binds a job to one core of those that it may use, the next for each `turn`. */
static void bind_to_one(const int *core, pt_place *job, int turn)
{
    cpu_set_t cores, one;
    int n, at = 0;

    pt_cores_of(core, &job->allowed, &cores);
    n = CPU_COUNT(&cores);
    if (n == 0) return;
    CPU_ZERO(&one);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &cores) && at++ == turn % n) CPU_SET(c, &one);
    keep(core, &one, &job->use);
}

void pt_place_jobs(const int *core, pt_place *job, int n)
{
    if (divide(core, job, n) && !bind(core, job, n)) unbind(job, n);
    for (int i = 0; i < n; i++)
        if (!job[i].bound) bind_to_one(core, &job[i], i);
}
