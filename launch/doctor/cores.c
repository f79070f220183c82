/* The checks about cores: whether ranks have enough, each of its own, and none is idle.
 */
#include "launch/doctor/checks.h"

#include <stdio.h>

typedef struct {
    int first, ranks, servers, workers; /* first: its first rank */
    cpu_set_t cores;                    /* of all its ranks */
    int usable; /* of them, by the control group's limit of time */
} host;

static host host_of(const pt_facts *f, int number)
{
    host h = {.first = -1};

    for (int r = 0; r < f->n; r++) {
        if (f->rank[r].host_number != number) continue;
        if (h.first < 0) h.first = r;
        h.ranks++;
        CPU_OR(&h.cores, &h.cores, &f->rank[r].cores);
    }
    if (f->spread)
        h.servers = f->servers / f->n_hosts + (number < f->servers % f->n_hosts);
    else
        h.servers = number == 0 ? f->servers : 0;
    h.usable = CPU_COUNT(&h.cores);
    if (h.first >= 0 && f->rank[h.first].quota > 0 && f->rank[h.first].quota < h.usable)
        h.usable = f->rank[h.first].quota;
    h.workers = h.ranks > h.servers ? h.ranks - h.servers : 0;
    return h;
}

/* ---- binding ---------------------------------------------------------------------- */

/* Bound ranks a and b of one host have fewer cores than one for each. */
static bool share(const pt_facts *f, int a, int b)
{
    cpu_set_t both, either;

    CPU_AND(&both, &f->rank[a].cores, &f->rank[b].cores);
    CPU_OR(&either, &f->rank[a].cores, &f->rank[b].cores);
    return CPU_COUNT(&both) > 0 && CPU_COUNT(&either) < 2;
}

static bool is_bound(const pt_facts *f, int r, const host *h)
{
    return h->ranks > 1 && !CPU_EQUAL(&f->rank[r].cores, &h->cores);
}

/* Of host h: false once something is wrong with it. */
static bool is_well_bound(const pt_facts *f, const host *h, pt_findings *out)
{
    const char *name = f->rank[h->first].host;

    for (int a = h->first; a < f->n; a++) {
        int own = CPU_COUNT(&f->rank[a].cores);

        if (f->rank[a].host_number != f->rank[h->first].host_number || !is_bound(f, a, h))
            continue;
        for (int b = h->first; b < a; b++) {
            if (f->rank[b].host_number != f->rank[a].host_number || !share(f, a, b))
                continue;
            pt_findings_add(
                out, PT_FINDING_WARN,
                "ranks %d and %d are bound to the same core of host %s, which "
                "ranks use %d of: mpirun --bind-to none, or srun "
                "--cpu-bind=none",
                b, a, name, CPU_COUNT(&h->cores));
            return false;
        }
        if (own >= f->threads) continue;
        pt_findings_add(
            out, PT_FINDING_WARN,
            "rank %d on host %s is bound to %d core%s for %d threads: mpirun "
            "--bind-to none, or --map-by socket:PE=%d; srun --cpus-per-task=%d",
            a, name, own, own == 1 ? "" : "s", f->threads, f->threads, f->threads);
        return false;
    }
    return true;
}

void pt_check_binding(const pt_facts *f, pt_findings *out)
{
    bool well = true, bound = false;

    for (int i = 0; i < f->n_hosts; i++) {
        host h = host_of(f, i);

        well &= is_well_bound(f, &h, out);
        bound |= is_bound(f, h.first, &h);
    }
    if (well && f->n > 1)
        pt_findings_add(out, PT_FINDING_OK,
                        bound ? "each rank is bound to cores of its own"
                              : "ranks of a host may use the same cores, unbound");
}

/* Threads of a worker. auto divides the cores (common/run/placement.h). */
static int threads_of(const pt_facts *f, const host *h)
{
    int share = h->usable / (h->workers > 0 ? h->workers : 1);

    return f->threads > 0 ? f->threads : share > 1 ? share : 1;
}

/* ---- cores ------------------------------------------------------------------------ */

/* For hosts of c cores: as many workers as `ptrain train` starts by itself, one a core as
 * far as there are shards, and the cores shared out among them. */
static void recommend(const pt_facts *f, int c, char *out, size_t n)
{
    int most = f->shards / f->n_hosts, workers = most < 1 ? 1 : most < c ? most : c;
    int servers = f->n == 1 || f->spread, ranks = workers + servers;

    snprintf(out, n,
             "%d ranks on each host (%d server%s, %d worker%s) and engine.threads=%d",
             ranks, servers, servers == 1 ? "" : "s", workers, workers == 1 ? "" : "s",
             c / workers > 1 ? c / workers : 1);
}

void pt_check_cores(const pt_facts *f, pt_findings *out)
{
    char advice[128];
    int least = 0, well = 0;

    for (int i = 0; i < f->n_hosts; i++) {
        host h = host_of(f, i);
        int cores = h.usable, threads = threads_of(f, &h);
        int busy = h.workers * threads;
        const char *name = f->rank[h.first].host;

        if (cores < CPU_COUNT(&h.cores))
            pt_findings_add(out, PT_FINDING_OK,
                            "host %s: its control group has time for %d of %d CPUs", name,
                            cores, CPU_COUNT(&h.cores));
        recommend(f, cores, advice, sizeof advice);
        if (i == 0 || cores < least) least = cores;
        if (busy > cores)
            pt_findings_add(out, PT_FINDING_WARN,
                            "host %s: %d worker%s x %d thread%s on %d core%s: try %s",
                            name, h.workers, h.workers == 1 ? "" : "s", threads,
                            threads == 1 ? "" : "s", cores, cores == 1 ? "" : "s",
                            advice);
        else if (f->n > 1 && busy + h.servers < cores)
            pt_findings_add(
                out, PT_FINDING_WARN,
                "host %s: %d worker%s x %d thread%s leave %d of %d cores idle: "
                "try %s",
                name, h.workers, h.workers == 1 ? "" : "s", threads,
                threads == 1 ? "" : "s", cores - busy, cores, advice);
        else
            well++;
    }
    recommend(f, least, advice, sizeof advice);
    if (f->n == 1)
        pt_findings_add(out, PT_FINDING_OK, "%d core%s: try %s", least,
                        least == 1 ? "" : "s", advice);
    else if (well == f->n_hosts)
        pt_findings_add(out, PT_FINDING_OK, "a core for each thread, on every host");
}
