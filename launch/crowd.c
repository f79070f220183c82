#include "launch/crowd.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/job.h"
#include "common/log.h"

enum { TEXT_BYTES = 256 };

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

/* One rank's text: "HOST THREADS CORES". */
static bool read_text(const char *text, char host[TEXT_BYTES], int *threads,
                      char cores[TEXT_BYTES])
{
    return sscanf(text, "%255s %d %255s", host, threads, cores) == 3;
}

static bool warn_of(const char *all, int size, const char *host, int per_worker)
{
    cpu_set_t set;
    int sum = 0;

    CPU_ZERO(&set);
    for (int r = 0; r < size; r++) {
        char other[TEXT_BYTES], cores[TEXT_BYTES];
        int threads;

        if (!read_text(all + (size_t)r * TEXT_BYTES, other, &threads, cores)) continue;
        if (strcmp(host, other) != 0) continue;
        sum += threads;
        add_cores(cores, &set);
    }
    if (CPU_COUNT(&set) == 0 || sum <= CPU_COUNT(&set)) return false;
    pt_log_warn("oversubscribed: %d workers x %d threads on host %s share %d cores",
                sum / per_worker, per_worker, host, CPU_COUNT(&set));
    return true;
}

pt_status pt_crowd_warn(const pt_run *run)
{
    bool works = pt_job_rank() >= run->n_servers, warned = false;
    int threads = (int)run->config->engine->threads;
    char cores[TEXT_BYTES], mine[2 * TEXT_BYTES + 32], *all = NULL;
    pt_status s;

    allowed_cores(cores, sizeof cores);
    snprintf(mine, sizeof mine, "%s %d %s", pt_job_host(), works ? threads : 0, cores);
    s = pt_job_gather_text(mine, &all);
    for (int r = 0; r < pt_job_size() && all && !warned; r++) {
        char host[TEXT_BYTES], list[TEXT_BYTES];
        int n;

        if (read_text(all + (size_t)r * TEXT_BYTES, host, &n, list))
            warned = warn_of(all, pt_job_size(), host, threads);
    }
    free(all);
    return s;
}
