#include "launch/plan/sim/platform.h"

#include <stdio.h>
#include <sys/mman.h>

#include <simgrid/engine.h>

/* Within a node: memory, and cores enough that a server beside a worker has its own. */
enum { CORES = 4 };
static const char loopback[] = "loopback_bw=\"10GBps\" loopback_lat=\"1us\"";

static const char head[] =
    "<?xml version='1.0'?>\n"
    "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
    "<platform version=\"4.1\">\n";
static const char tail[] = "</platform>\n";

/* A message crosses two links: its sender's and its receiver's. */
static void print_cluster(FILE *out, const pt_trial *t)
{
    fprintf(out,
            "<cluster id=\"cluster\" prefix=\"n\" suffix=\"\" radical=\"0-%d\" "
            "speed=\"1Gf\" core=\"%d\" bw=\"%.6gBps\" lat=\"%.9gs\" "
            "sharing_policy=\"SPLITDUPLEX\" %s/>\n",
            t->nodes - 1, CORES, t->link, t->latency_s / 2, loopback);
}

static void print_ranks(FILE *out, const pt_trial *t, const int *host, const char *name)
{
    for (int r = 0; r < t->servers + t->nodes; r++)
        fprintf(out,
                "<actor host=\"n%d\" function=\"%s\"><prop id=\"instance_id\" "
                "value=\"%s\"/><prop id=\"rank\" value=\"%d\"/></actor>\n",
                host[r], name, name, r);
}

/* SimGrid reads files only; this one is in memory. */
static FILE *create_file(char path[32])
{
    int fd = memfd_create("ptrain-plan", 0);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    snprintf(path, 32, "/proc/self/fd/%d", fd);
    if (f) fputs(head, f);
    return f;
}

static pt_status load(FILE *f, const char *path, void (*take)(const char *))
{
    if (fputs(tail, f) == EOF || fflush(f) != 0)
        return pt_fail(PT_ERR_IO, "the simulated cluster does not fit in memory");
    take(path);
    fclose(f);
    return PT_OK;
}

pt_status pt_platform_load(const pt_trial *t)
{
    char path[32];
    FILE *f = create_file(path);

    if (!f) return pt_fail(PT_ERR_IO, "no file in memory for the simulated cluster");
    print_cluster(f, t);
    return load(f, path, simgrid_load_platform);
}

pt_status pt_platform_place(const pt_trial *t, const int *host, const char *name)
{
    char path[32];
    FILE *f = create_file(path);

    if (!f) return pt_fail(PT_ERR_IO, "no file in memory for the simulated ranks");
    print_ranks(f, t, host, name);
    return load(f, path, simgrid_load_deployment);
}
