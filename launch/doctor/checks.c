#include "launch/doctor/checks.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/run/layout.h"
#include "worker/input/fingerprint.h"

const char *const pt_finding_names[] = {"ok", "warn", "fail"};

void pt_findings_add(pt_findings *to, pt_finding_level level, const char *fmt, ...)
{
    va_list args;

    if (to->n == PT_MAX_FINDINGS) {
        to->dropped++;
        return;
    }
    to->list[to->n].level = level;
    va_start(args, fmt);
    vsnprintf(to->list[to->n].text, sizeof to->list[0].text, fmt, args);
    va_end(args);
    to->n++;
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

/* ---- the job ---------------------------------------------------------------------- */

static void check_world(const pt_facts *f, pt_findings *out)
{
    if (f->mpi_size > 0 && f->mpi_size != f->n) {
        pt_findings_add(
            out, PT_FINDING_FAIL,
            "the launcher started %d ranks, MPI's world has %d: start them with "
            "the mpirun of ptrain's MPI, or srun --mpi=pmix",
            f->mpi_size, f->n);
    } else if (f->slurm_tasks > 0 && f->slurm_tasks != f->n && f->launched) {
        pt_findings_add(
            out, PT_FINDING_WARN,
            "the job has %d rank%s, but SLURM_NTASKS is %d: use all with srun "
            "or with mpirun without -n",
            f->n, plural(f->n), f->slurm_tasks);
    } else if (f->n == 1 && f->slurm_tasks > 1) {
        pt_findings_add(out, PT_FINDING_OK,
                        "one rank of a Slurm job with %d tasks: this machine alone; to "
                        "check the job: srun --mpi=pmix ptrain doctor",
                        f->slurm_tasks);
    } else if (f->n == 1) {
        pt_findings_add(out, PT_FINDING_OK,
                        "one rank: this machine alone; to check a job put the launcher "
                        "before it (mpirun -n 5 ptrain doctor)");
    } else {
        pt_findings_add(out, PT_FINDING_OK, "%d ranks on %d host%s see each other", f->n,
                        f->n_hosts, plural(f->n_hosts));
    }
}

static void check_shards(const pt_facts *f, pt_findings *out)
{
    int workers = f->n - f->servers;
    char advice[96];

    if (f->n == 1) return;
    pt_layout_advise(workers, f->shards, advice, sizeof advice);
    if (workers < 1)
        pt_findings_add(out, PT_FINDING_FAIL,
                        "%d rank%s with %d server%s leaves no worker: start more ranks",
                        f->n, plural(f->n), f->servers, plural(f->servers));
    else if (workers > f->shards)
        pt_findings_add(out, PT_FINDING_FAIL,
                        "%d workers for %d virtual shard%s in a job of %d ranks: %s",
                        workers, f->shards, plural(f->shards), f->n, advice);
    else
        pt_findings_add(out, PT_FINDING_OK, "%d server%s and %d worker%s for %d shard%s",
                        f->servers, plural(f->servers), workers, plural(workers),
                        f->shards, plural(f->shards));
}

static void check_tags(const pt_facts *f, pt_findings *out)
{
    bool fits = f->tag_ub >= f->tags_needed;

    pt_findings_add(out, fits ? PT_FINDING_OK : PT_FINDING_FAIL,
                    "MPI_TAG_UB is %d, ptrain needs %d%s", f->tag_ub, f->tags_needed,
                    fits ? "" : ": choose another transport");
}

/* ---- hosts ------------------------------------------------------------------------ */

static void check_cpus(const pt_facts *f, pt_findings *out)
{
    for (int r = 1; r < f->n; r++) {
        if (strcmp(f->rank[r].cpu, f->rank[0].cpu) == 0) continue;
        pt_findings_add(
            out, PT_FINDING_OK,
            "host %s has %s, host %s has %s: allowed, the weights have the same "
            "bits; the slower one sets the pace",
            f->rank[0].host, f->rank[0].cpu, f->rank[r].host, f->rank[r].cpu);
        return;
    }
    pt_findings_add(out, PT_FINDING_OK, "%s%s", f->rank[0].cpu,
                    f->n_hosts > 1 ? " on all hosts" : "");
}

static void check_pictures(const pt_facts *f, pt_findings *out)
{
    for (int r = 1; r < f->n; r++) {
        if (f->rank[r].pixels == f->rank[0].pixels) continue;
        pt_findings_add(out, PT_FINDING_FAIL,
                        "hosts %s and %s decode pictures to different pixels, so a job "
                        "on both is refused: install the same libjpeg and libwebp",
                        f->rank[0].host, f->rank[r].host);
        return;
    }
    if (f->rank[0].pixels == PT_INPUT_FINGERPRINT)
        pt_findings_add(out, PT_FINDING_OK, "libjpeg and libwebp give Pillow's pixels");
    else
        pt_findings_add(out, PT_FINDING_WARN,
                        "libjpeg or libwebp do not give Pillow's pixels: runs have other "
                        "bits than elsewhere; install libjpeg-turbo 2.1 or later");
}

enum { APART_S = 1 };

static void check_clocks(const pt_facts *f, pt_findings *out)
{
    double most = 0;

    for (size_t i = 0; i < f->n_pairs; i++) {
        const pt_pair_facts *p = &f->pair[i];

        if (p->a != 0) continue;
        most = fmax(most, fabs(p->ahead_s));
        if (fabs(p->ahead_s) > APART_S)
            pt_findings_add(
                out, PT_FINDING_WARN,
                "host %s's clock is %.1f s %s host %s's: times in logs differ; "
                "start chrony or ntpd there",
                f->rank[p->b].host, fabs(p->ahead_s),
                p->ahead_s > 0 ? "ahead of" : "behind", f->rank[p->a].host);
    }
    if (f->n_hosts > 1 && most <= APART_S)
        pt_findings_add(out, PT_FINDING_OK, "hosts' clocks differ by at most %.1f ms",
                        1000 * most);
}

/* A link at less than this part of the fastest is one to look at. */
static const double slow = 0.5;

static void check_links(const pt_facts *f, pt_findings *out)
{
    const pt_pair_facts *low = f->pair, *high = f->pair, *far = f->pair;

    if (f->n_pairs == 0) return;
    for (const pt_pair_facts *p = f->pair; p < f->pair + f->n_pairs; p++) {
        if (p->bytes_per_s < low->bytes_per_s) low = p;
        if (p->bytes_per_s > high->bytes_per_s) high = p;
        if (p->trip_s > far->trip_s) far = p;
    }
    if (low->bytes_per_s < slow * high->bytes_per_s)
        pt_findings_add(
            out, PT_FINDING_WARN,
            "hosts %s and %s exchange %.2f Gb/s each way, %s and %s %.2f: look "
            "at the slow link, or leave a host out",
            f->rank[low->a].host, f->rank[low->b].host, low->bytes_per_s * 8e-9,
            f->rank[high->a].host, f->rank[high->b].host, high->bytes_per_s * 8e-9);
    else
        pt_findings_add(out, PT_FINDING_OK,
                        "%zu pair%s of hosts: %.2f to %.2f Gb/s each way", f->n_pairs,
                        plural((int)f->n_pairs), low->bytes_per_s * 8e-9,
                        high->bytes_per_s * 8e-9);
    pt_findings_add(
        out, far->trip_s > 2e-3 ? PT_FINDING_WARN : PT_FINDING_OK,
        "a few bytes there and back: at most %.3f ms (%s and %s)%s", 1000 * far->trip_s,
        f->rank[far->a].host, f->rank[far->b].host,
        far->trip_s > 2e-3
            ? "; synchronised batch norm exchanges twice a layer: is this the "
              "right network (Open MPI: --mca btl_tcp_if_include NAME)?"
            : "");
}

/* ---- files ------------------------------------------------------------------------ */

static void check_directory(const pt_facts *f, pt_findings *out)
{
    bool all = true;

    if (f->dir_errno) {
        pt_findings_add(out, PT_FINDING_FAIL,
                        "no file can be written in %s: %s; choose another run.dir",
                        f->dir, strerror(f->dir_errno));
        return;
    }
    for (int r = 1; r < f->n; r++) {
        bool first = f->rank[r].host_number != f->rank[r - 1].host_number;

        if (f->rank[r].sees_dir || !first) continue;
        all = false;
        pt_findings_add(
            out, PT_FINDING_WARN,
            "host %s does not see host %s's %s: data and weights have to be at "
            "the same paths on every host",
            f->rank[r].host, f->rank[0].host, f->dir);
    }
    if (all && f->n_hosts > 1)
        pt_findings_add(out, PT_FINDING_OK, "%s is the same directory on all hosts",
                        f->dir);
}

static void check_locks(const pt_facts *f, pt_findings *out)
{
    if (f->dir_errno) return;
    if (f->lock_errno)
        pt_findings_add(
            out, PT_FINDING_WARN,
            "files in %s cannot be locked: %s; set HDF5_USE_FILE_LOCKING=FALSE "
            "and start no two jobs with one run.dir (Lustre: mount with flock)",
            f->dir, strerror(f->lock_errno));
    else
        pt_findings_add(out, PT_FINDING_OK, "files in %s can be locked", f->dir);
}

static const double GIB = 1024.0 * 1024 * 1024;

static void check_space(const pt_facts *f, pt_findings *out)
{
    bool scarce = f->free_bytes < 2 * GIB;

    if (f->dir_errno || !f->knows_free) return;
    pt_findings_add(out, scarce ? PT_FINDING_WARN : PT_FINDING_OK,
                    "%s has %.1f GiB free%s", f->dir, (double)f->free_bytes / GIB,
                    scarce
                        ? ": two checkpoints and the model of a VGG-16 need 3.2; choose "
                          "another run.dir or make space"
                        : "");
}

/* MPI and ranks of one host talk through it. */
static void check_shm(const pt_facts *f, pt_findings *out)
{
    const pt_rank_facts *least = f->rank;

    for (int r = 1; r < f->n; r++)
        if (f->rank[r].shm_free < least->shm_free) least = &f->rank[r];
    if ((double)least->shm_free < GIB / 2)
        pt_findings_add(
            out, PT_FINDING_WARN,
            "/dev/shm of host %s has %.0f MiB free: ranks of one host talk "
            "through it; make it larger (docker run --shm-size=1g), or clear it",
            least->host, (double)least->shm_free * 1024 / GIB);
    else
        pt_findings_add(out, PT_FINDING_OK, "/dev/shm has %.1f GiB free%s",
                        (double)least->shm_free / GIB,
                        f->n_hosts > 1 ? " or more on each host" : "");
}

/* ---- the table -------------------------------------------------------------------- */

const pt_check pt_checks[] = {
    {"world", "ranks against what the launcher started", check_world},
    {"layout", "servers and workers against shards", check_shards},
    {"tags", "the largest tag of MPI's messages", check_tags},
    {"binding", "which cores each rank may use", pt_check_binding},
    {"cores", "threads of all workers against cores", pt_check_cores},
    {"cpu", "CPU types", check_cpus},
    {"pictures", "what libjpeg and libwebp make of pictures", check_pictures},
    {"clocks", "wall clocks", check_clocks},
    {"links", "bandwidth and latency between hosts", check_links},
    {"directory", "the run directory, from every host", check_directory},
    {"locks", "file locks there", check_locks},
    {"space", "free space there", check_space},
    {"shm", "shared memory", check_shm},
};
const size_t pt_n_checks = sizeof pt_checks / sizeof *pt_checks;

void pt_checks_run(const pt_facts *f, pt_findings *out)
{
    *out = (pt_findings){0};
    for (const pt_check *c = pt_checks; c < pt_checks + pt_n_checks; c++) {
        size_t before = out->n;

        c->check(f, out);
        for (size_t i = before; i < out->n; i++) out->list[i].check = c->name;
    }
}
