#include "launch/train/oversubscription.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/comm/job.h"

/* What one rank reports: "HOST THREADS CORES". */
typedef struct {
    char host[PT_JOB_TEXT_BYTES], cores[PT_JOB_TEXT_BYTES];
    int threads;
} placement;

/* What this rank may use, as the kernel writes it: "0-3,8". */
static void allowed_cores(char *out, size_t n)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[512];

    *out = '\0';
    while (f && fgets(line, sizeof line, f)) {
        const char *list = line + strcspn(line, "0123456789");

        if (strncmp(line, "Cpus_allowed_list:", 18) != 0) continue;
        snprintf(out, n, "%.*s", (int)strcspn(list, "\n"), list);
        break;
    }
    if (f) fclose(f);
}

static void add_cores(const char *list, cpu_set_t *set)
{
    for (; *list; list += strcspn(list, ","), list += *list == ',') {
        unsigned lo, hi;
        int n = sscanf(list, "%u-%u", &lo, &hi);

        if (n < 1) return;
        if (n == 1) hi = lo;
        for (unsigned c = lo; c <= hi && c < CPU_SETSIZE; c++) CPU_SET(c, set);
    }
}

static bool warn_of(const placement *all, int size, const char *host, int per_worker)
{
    cpu_set_t set;
    int sum = 0;

    CPU_ZERO(&set);
    for (int r = 0; r < size; r++) {
        if (strcmp(host, all[r].host) != 0) continue;
        sum += all[r].threads;
        add_cores(all[r].cores, &set);
    }
    if (CPU_COUNT(&set) == 0 || sum <= CPU_COUNT(&set)) return false;
    pt_log_warn("oversubscribed: %d workers x %d threads on host %s share %d cores",
                sum / per_worker, per_worker, host, CPU_COUNT(&set));
    return true;
}

/* For the first oversubscribed host; ranks of one host are mostly consecutive. */
static pt_status warn_first(const char *texts, int per_worker)
{
    int size = pt_job_size();
    placement *all = pt_calloc((size_t)size, sizeof *all);

    if (!all)
        return pt_fail(PT_ERR_NOMEM, "no memory for the placement of %d ranks", size);
    for (int r = 0; r < size; r++)
        if (sscanf(texts + (size_t)r * PT_JOB_TEXT_BYTES, "%255s %d %255s", all[r].host,
                   &all[r].threads, all[r].cores) != 3)
            all[r] = (placement){0};
    for (int r = 0; r < size; r++) {
        if (!*all[r].host || (r > 0 && strcmp(all[r].host, all[r - 1].host) == 0))
            continue;
        if (warn_of(all, size, all[r].host, per_worker)) break;
    }
    free(all);
    return PT_OK;
}

pt_status pt_oversubscription_warn(const pt_run *run)
{
    bool works = pt_job_rank() >= run->n_servers;
    int threads = (int)run->config->engine->threads;
    char cores[PT_JOB_TEXT_BYTES], mine[2 * PT_JOB_TEXT_BYTES + 32], *texts;
    pt_status s = PT_OK;

    allowed_cores(cores, sizeof cores);
    snprintf(mine, sizeof mine, "%s %d %s", pt_job_host(), works ? threads : 0, cores);
    texts = pt_job_gather_text(mine);
    if (texts) s = warn_first(texts, threads);
    free(texts);
    return s;
}
