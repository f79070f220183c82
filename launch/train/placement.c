#include "launch/train/placement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cores.h"
#include "common/base/log.h"
#include "common/base/quota.h"
#include "common/comm/job.h"
#include "common/run/placement.h"
#include "launch/support/gather_to_root.h"

enum { HOST_BYTES = 64 };

/* What ranks tell each other. */
typedef struct {
    char machine[PT_MACHINE_BYTES], host[HOST_BYTES];
    pt_place place;
    cpu_set_t cores; /* numbers of those that it may use */
    int own;         /* how many it is to use */
    int online;      /* CPUs of the machine */
    int quota;       /* CPUs of its control group, 0: not limited */
} seat;

struct pt_placement {
    seat *seats; /* [job size]; of other machines only rank 0 has the result */
    int threads;
    cpu_set_t before;
};

/* ---- the ranks tell each other ---------------------------------------------------- */

static void describe_mine(const int *core, bool server, seat *s)
{
    *s = (seat){.place = {.server = server},
                .online = (int)sysconf(_SC_NPROCESSORS_ONLN),
                .quota = pt_quota_cpus("")};
    snprintf(s->host, sizeof s->host, "%.*s", HOST_BYTES - 1, pt_job_host());
    pt_cores_machine(s->machine);
    if (!*s->machine) snprintf(s->machine, sizeof s->machine, "%.39s", s->host);
    pt_cores_allowed(&s->place.allowed);
    pt_cores_of(core, &s->place.allowed, &s->cores);
}

static void take(void *context, int rank, const void *theirs)
{
    ((seat *)context)[rank] = *(const seat *)theirs;
}

/* all [job size]: on rank 0 everybody's. Collective. */
static void gather(seat *mine, seat *all)
{
    all[0] = *mine;
    pt_gather_to_root(mine, sizeof *mine, take, all);
}

/* This rank's seat, told to all: *all [job size], malloc'd. Collective. */
static pt_status exchange(const int *core, bool server, seat **all)
{
    size_t n = (size_t)pt_job_size();
    seat mine;
    pt_status s;

    *all = pt_calloc(n, sizeof **all);
    s = pt_job_agree(
        *all ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the places of %zu ranks", n));
    if (s != PT_OK) return s;
    describe_mine(core, server, &mine);
    gather(&mine, *all);
    return pt_job_broadcast_into(0, *all, n * sizeof **all);
}

static bool same_machine(const seat *a, const seat *b)
{
    return strcmp(a->machine, b->machine) == 0;
}

/* CPUs that the control groups of a machine leave its ranks, 0: not limited. Containers
 * of one machine have a name and a group each. */
static int quota_of(const seat *all, const seat *machine)
{
    int sum = 0;

    for (int r = 0; r < pt_job_size(); r++) {
        int before = 0;

        if (!same_machine(&all[r], machine)) continue;
        if (all[r].quota == 0) return 0;
        while (before < r && (!same_machine(&all[before], machine) ||
                              strcmp(all[before].host, all[r].host) != 0))
            before++;
        if (before == r) sum += all[r].quota;
    }
    return sum;
}

/* ---- threads and cores ------------------------------------------------------------- */

/* Of this rank's machine: the ranks are placed, or have so many threads. */
static void place(const int *core, int threads, seat *all, pt_place *here)
{
    const seat *mine = &all[pt_job_rank()];
    int n = 0;

    for (int r = 0; r < pt_job_size(); r++)
        if (same_machine(&all[r], mine)) here[n++] = all[r].place;
    if (threads == 0) pt_place_ranks(core, here, n, quota_of(all, mine));
    n = 0;
    for (int r = 0; r < pt_job_size(); r++) {
        if (!same_machine(&all[r], mine)) continue;
        all[r].place = here[n++];
        if (threads == 0) continue;
        all[r].place.use = all[r].place.allowed;
        all[r].place.threads = all[r].place.server ? 0 : threads;
    }
}

static int most_threads(const seat *all)
{
    const seat *mine = &all[pt_job_rank()];
    int most = 1;

    if (!mine->place.server) return mine->place.threads;
    for (int r = 0; r < pt_job_size(); r++)
        if (same_machine(&all[r], mine) && all[r].place.threads > most)
            most = all[r].place.threads;
    return most;
}

static void settle(const int *core, seat *mine)
{
    cpu_set_t cores;

    if (mine->place.bound && !pt_cores_use(&mine->place.use)) {
        mine->place.bound = false;
        mine->place.use = mine->place.allowed;
    }
    pt_cores_of(core, &mine->place.use, &cores);
    mine->own = CPU_COUNT(&cores);
}

pt_status pt_placement_create(int threads, int n_servers, pt_placement **out)
{
    pt_placement *p = pt_calloc(1, sizeof *p);
    pt_place *here = pt_calloc((size_t)pt_job_size(), sizeof *here);
    int core[CPU_SETSIZE];
    pt_status s =
        p && here ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the placement");

    *out = NULL;
    pt_cores_number(core);
    s = pt_job_agree(s);
    if (s == PT_OK) s = exchange(core, pt_job_rank() < n_servers, &p->seats);
    if (s == PT_OK) {
        seat mine;

        pt_cores_allowed(&p->before);
        place(core, threads, p->seats, here);
        p->threads = most_threads(p->seats);
        mine = p->seats[pt_job_rank()];
        settle(core, &mine);
        gather(&mine, p->seats);
        *out = p;
        p = NULL;
    }
    free(here);
    if (p) free(p->seats);
    free(p);
    return s;
}

void pt_placement_destroy(pt_placement **p)
{
    if (!*p) return;
    if (CPU_COUNT(&(*p)->before) > 0 && !pt_cores_use(&(*p)->before))
        pt_log_warn("this thread stays bound to its cores");
    free((*p)->seats);
    free(*p);
    *p = NULL;
}

int pt_placement_threads(const pt_placement *p)
{
    return p->threads;
}

/* ---- what was chosen --------------------------------------------------------------- */

/* The ranks of one machine, together. */
typedef struct {
    int servers, workers, least, most, threads; /* threads of one worker; of all */
    int servers_own;                            /* cores of servers alone; 0: none */
    int online, quota;
    bool bound; /* all workers */
    cpu_set_t cpus, cores;
} machine;

static machine sum_up(const pt_placement *p, const seat *of)
{
    machine m = {.bound = true, .quota = quota_of(p->seats, of)};

    for (int r = 0; r < pt_job_size(); r++) {
        const seat *s = &p->seats[r];
        int threads = s->place.threads;

        if (!same_machine(s, of)) continue;
        CPU_OR(&m.cpus, &m.cpus, &s->place.allowed);
        CPU_OR(&m.cores, &m.cores, &s->cores);
        m.online = s->online;
        m.servers += s->place.server;
        if (s->place.server) {
            m.servers_own = s->place.bound ? s->own : 0;
            continue;
        }
        if (m.workers == 0 || threads < m.least) m.least = threads;
        if (threads > m.most) m.most = threads;
        m.workers++;
        m.threads += threads;
        m.bound = m.bound && s->place.bound;
    }
    return m;
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

/* "2 workers x 7 threads on 16 cores, bound; 1 server on 2 of its own" */
static void describe(const machine *m, char *out, size_t n)
{
    int cores = CPU_COUNT(&m->cores), cpus = CPU_COUNT(&m->cpus);
    char workers[64] = "", range[32] = "", servers[64] = "", limit[80] = "";

    if (m->least < m->most) snprintf(range, sizeof range, "%d to ", m->least);
    if (m->workers > 0)
        snprintf(workers, sizeof workers, "%d worker%s x %s%d thread%s", m->workers,
                 plural(m->workers), range, m->most, plural(m->most));
    if (m->workers == 0)
        snprintf(workers, sizeof workers, "%d server%s", m->servers, plural(m->servers));
    else if (m->servers > 0 && m->bound && m->servers_own > 0)
        snprintf(servers, sizeof servers, "; %d server%s on %d of %s own", m->servers,
                 plural(m->servers), m->servers_own, m->servers == 1 ? "its" : "their");
    else if (m->servers > 0)
        snprintf(servers, sizeof servers, "; %d server%s beside them", m->servers,
                 plural(m->servers));
    if (m->quota > 0 && m->quota < cpus)
        snprintf(limit, sizeof limit, " (their control group has time for %d)", m->quota);
    else if (cpus < m->online)
        snprintf(limit, sizeof limit, " (%d of the machine's %d CPUs are allowed)", cpus,
                 m->online);
    snprintf(out, n, "%s on %d core%s%s%s%s", workers, cores, plural(cores),
             m->workers > 0 && m->bound ? ", bound" : "", servers, limit);
}

/* Is r the first rank of its machine? */
static bool is_first(const pt_placement *p, int r)
{
    for (int i = 0; i < r; i++)
        if (same_machine(&p->seats[i], &p->seats[r])) return false;
    return true;
}

enum { LINE_BYTES = 256 };

/* text [job size]: at the first rank of each machine its line, elsewhere "". */
static void describe_all(const pt_placement *p, char (*text)[LINE_BYTES])
{
    for (int r = 0; r < pt_job_size(); r++) {
        machine m;

        if (!is_first(p, r)) continue;
        m = sum_up(p, &p->seats[r]);
        describe(&m, text[r], LINE_BYTES);
    }
}

/* A line for each kind of machine, with its first one's name. */
static void print_kinds(const pt_placement *p, char (*text)[LINE_BYTES])
{
    for (int r = 0; r < pt_job_size(); r++) {
        char others[48] = "";
        int alike = 0;

        if (!*text[r]) continue;
        for (int i = r + 1; i < pt_job_size(); i++) {
            if (strcmp(text[i], text[r]) != 0) continue;
            *text[i] = '\0';
            alike++;
        }
        if (alike > 0)
            snprintf(others, sizeof others, " and %d more host%s, each", alike,
                     plural(alike));
        pt_log_info("threads   %s%s: %s", p->seats[r].host, others, text[r]);
    }
}

static bool warn_of(const pt_placement *p, int r)
{
    machine m = sum_up(p, &p->seats[r]);
    int cpus = CPU_COUNT(&m.cpus);

    if (m.quota > 0 && m.quota < cpus) cpus = m.quota;
    if (cpus == 0 || m.threads <= cpus) return false;
    pt_log_warn("oversubscribed: %d worker%s x %d thread%s on host %s share %d core%s",
                m.workers, plural(m.workers), m.most, plural(m.most), p->seats[r].host,
                cpus, plural(cpus));
    return true;
}

void pt_placement_print(const pt_placement *p)
{
    char(*text)[LINE_BYTES];
    bool warned = false;

    if (pt_job_rank() != 0) return;
    text = pt_calloc((size_t)pt_job_size(), sizeof *text);
    if (text) {
        describe_all(p, text);
        print_kinds(p, text);
    }
    free(text);
    for (int r = 0; r < pt_job_size() && !warned; r++)
        if (is_first(p, r)) warned = warn_of(p, r);
}

/* ---- jobs side by side ------------------------------------------------------------- */

/* The jobs on this rank's machine: of each what its ranks may use together. *mine: this
 * rank's. */
static int jobs_here(const seat *all, int n, pt_place *jobs, int *mine)
{
    int size = pt_job_size(), rank = pt_job_rank(), found = 0, last = -1;

    for (int r = 0; r < size; r++) {
        int part = pt_job_part(r, size, n);

        if (!same_machine(&all[r], &all[rank])) continue;
        if (part != last) jobs[found++] = (pt_place){0};
        last = part;
        CPU_OR(&jobs[found - 1].allowed, &jobs[found - 1].allowed, &all[r].place.allowed);
        if (r == rank) *mine = found - 1;
    }
    return found;
}

pt_status pt_placement_divide(int n)
{
    pt_place *jobs = pt_calloc((size_t)n, sizeof *jobs);
    int core[CPU_SETSIZE], mine = 0;
    seat *all = NULL;
    pt_status s = jobs ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %d jobs", n);

    pt_cores_number(core);
    s = pt_job_agree(s);
    if (s == PT_OK) s = exchange(core, false, &all);
    if (s == PT_OK) {
        cpu_set_t use;

        pt_place_jobs(core, jobs, jobs_here(all, n, jobs, &mine));
        CPU_AND(&use, &all[pt_job_rank()].place.allowed, &jobs[mine].use);
        if (CPU_COUNT(&use) > 0 && !pt_cores_use(&use))
            pt_log_warn("this rank cannot be bound to the cores of its job");
    }
    free(all);
    free(jobs);
    return s;
}
