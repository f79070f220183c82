#include "common/base/cores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/quota.h"

void pt_cores_allowed(cpu_set_t *cpus)
{
    CPU_ZERO(cpus);
    if (sched_getaffinity(0, sizeof *cpus, cpus) != 0) CPU_ZERO(cpus);
}

bool pt_cores_use(const cpu_set_t *cpus)
{
    return sched_setaffinity(0, sizeof *cpus, cpus) == 0;
}

/* The first number in a file about a CPU; otherwise `none`. */
static int read_topology(int cpu, const char *name, int none)
{
    char path[96];
    int value = none;
    FILE *f;

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
    f = fopen(path, "re");
    if (f && (fscanf(f, "%d", &value) != 1 || value < 0)) value = none;
    if (f) fclose(f);
    return value;
}

/* A core: its socket and its first CPU. */
typedef struct {
    int socket, first, cpu;
} place;

static int by_place(const void *a, const void *b)
{
    const place *p = a, *q = b;

    if (p->socket != q->socket) return p->socket < q->socket ? -1 : 1;
    return (p->first > q->first) - (p->first < q->first);
}

void pt_cores_number(int *core)
{
    long known = sysconf(_SC_NPROCESSORS_CONF); /* the others have no files */
    place all[CPU_SETSIZE];
    int n = 0;

    for (int c = 0; c < CPU_SETSIZE; c++) {
        all[c] = (place){0, c, c};
        if (c >= known) continue;
        all[c].socket = read_topology(c, "physical_package_id", 0);
        all[c].first = read_topology(c, "thread_siblings_list", c);
    }
    qsort(all, CPU_SETSIZE, sizeof *all, by_place);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (i > 0 && by_place(&all[i], &all[i - 1]) != 0) n++;
        core[all[i].cpu] = n;
    }
}

void pt_cores_of(const int *core, const cpu_set_t *cpus, cpu_set_t *cores)
{
    CPU_ZERO(cores);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, cpus)) CPU_SET(core[c], cores);
}

int pt_cores_cpus(void)
{
    cpu_set_t cpus;
    int n;

    pt_cores_allowed(&cpus);
    n = CPU_COUNT(&cpus);
    return n > 0 ? pt_quota_at_most(n) : 1;
}

int pt_cores_count(void)
{
    int core[CPU_SETSIZE], n;
    cpu_set_t cpus, cores;

    pt_cores_number(core);
    pt_cores_allowed(&cpus);
    pt_cores_of(core, &cpus, &cores);
    n = CPU_COUNT(&cores);
    return n > 0 ? pt_quota_at_most(n) : 1;
}

void pt_cores_machine(char name[PT_MACHINE_BYTES])
{
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!f || !fgets(name, PT_MACHINE_BYTES, f)) *name = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (f) fclose(f);
}

void pt_cores_cpu(char name[PT_CPU_BYTES])
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];

    snprintf(name, PT_CPU_BYTES, "an unnamed CPU");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !at) continue;
        snprintf(name, PT_CPU_BYTES, "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
        break;
    }
    if (f) fclose(f);
}
