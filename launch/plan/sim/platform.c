#include "launch/plan/sim/platform.h"

#include <stdio.h>
#include <sys/mman.h>

#include <simgrid/engine.h>
#include <simgrid/host.h>

#include "launch/plan/sim/cost.h"

/* Of a link's rate: SimGrid's models of TCP give a twentieth to what the other end
 * answers to each message, in the other direction (network/crosstraffic). Both directions
 * of the busiest link are in use, so that it is the same to have less of both, and much
 * cheaper to simulate. */
static const double answers = 0.05;

static double rate_of(const pt_trial *t)
{
    return t->sockets ? t->link / (1 + answers) : t->link;
}

/* Within a node: memory, and cores enough that a server beside a worker has its own. */
enum { CORES = 4 };
static const char loopback[] = "loopback_bw=\"10GBps\" loopback_lat=\"1us\"";

static const char head[] =
    "<?xml version='1.0'?>\n"
    "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
    "<platform version=\"4.1\">\n";
static const char tail[] = "</platform>\n";
static const char machine[] = "machine0";

/* A message crosses two links: its sender's and its receiver's. */
static void print_cluster(FILE *out, const pt_trial *t)
{
    fprintf(out,
            "<zone id=\"all\" routing=\"Full\">\n"
            "<cluster id=\"cluster\" prefix=\"n\" suffix=\"\" radical=\"0-%d\" "
            "speed=\"1Gf\" core=\"%d\" bw=\"%.6gBps\" lat=\"%.9gs\" "
            "sharing_policy=\"SPLITDUPLEX\" %s/>\n"
            "<cluster id=\"machine\" prefix=\"machine\" suffix=\"\" radical=\"0-0\" "
            "speed=\"1Gf\" core=\"%d\" bw=\"1GBps\" lat=\"0s\"/></zone>\n",
            pt_trial_places(t) - 1, CORES, rate_of(t), t->latency_s / 2, loopback,
            t->cores > 0 ? t->cores : 1);
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
    pt_status s;

    if (!f) return pt_fail(PT_ERR_IO, "no file in memory for the simulated cluster");
    print_cluster(f, t);
    s = load(f, path, simgrid_load_platform);
    if (s == PT_OK && t->cores > 0) pt_cost_share(sg_host_by_name(machine));
    return s;
}

pt_status pt_platform_place(const pt_trial *t, const int *host, const char *name)
{
    char path[32];
    FILE *f = create_file(path);

    if (!f) return pt_fail(PT_ERR_IO, "no file in memory for the simulated ranks");
    print_ranks(f, t, host, name);
    return load(f, path, simgrid_load_deployment);
}
