#include "launch/plan/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/run/shards.h"
#include "launch/support/network_arg.h"
#include "worker/engine/threads.h"

enum { MAX_LIST = 64, ALL = -1 };

/* Bytes: the headers of IP and of TCP with time stamps; of Ethernet with its preamble,
 * checksum and gap. */
enum { IN_PACKET = 20 + 32, ON_WIRE = 14 + 8 + 4 + 12 };

pt_status pt_plan_link(const char *text, double *bytes_per_s)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"Gb/s", 1e9 / 8}, {"Mb/s", 1e6 / 8}, {"GB/s", 1e9}, {"MB/s", 1e6}};
    char *unit;
    double value = strtod(text, &unit);

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        double rate = value * units[i].bytes;

        if (strcmp(unit, units[i].unit) != 0 || unit == text || !isdigit(*text)) continue;
        if (!(rate >= 1e5 && rate <= 1e13)) break;
        *bytes_per_s = rate;
        return PT_OK;
    }
    return pt_fail(PT_ERR_USAGE,
                   "--link is '%.40s', must be a rate of 1Mb/s or more such as 25Gb/s, "
                   "940Mb/s or 3.1GB/s",
                   text);
}

double pt_plan_payload(int mtu)
{
    return (double)(mtu - IN_PACKET) / (mtu + ON_WIRE);
}

/* ---- lists ------------------------------------------------------------------------- */

typedef struct {
    int value[MAX_LIST];
    size_t n;
} list;

/* A number in [1, PT_MAX_SHARDS] at *at, which moves behind it. */
static bool read_number(const char **at, int *out)
{
    char *end;
    long n = isdigit(**at) ? strtol(*at, &end, 10) : 0;

    if (n < 1 || n > PT_MAX_SHARDS) return false;
    *at = end;
    *out = (int)n;
    return true;
}

static bool add(list *l, int value)
{
    if (l->n == MAX_LIST || (l->n > 0 && value != ALL && value <= l->value[l->n - 1]))
        return false;
    l->value[l->n++] = value;
    return true;
}

/* "8..1024" */
static bool read_range(const char *text, list *l)
{
    int first, last;

    if (!read_number(&text, &first) || strncmp(text, "..", 2) != 0) return false;
    text += 2;
    if (!read_number(&text, &last) || *text || last < first) return false;
    for (int n = first; n < last; n *= 2)
        if (!add(l, n)) return false;
    return add(l, last);
}

/* "1,4,n": with `n` at the end only */
static bool read_list(const char *text, bool with_all, list *l)
{
    for (;; text++) {
        int n = ALL;

        if (with_all && *text == 'n')
            text++;
        else if (!read_number(&text, &n))
            return false;
        if (!add(l, n)) return false;
        if (*text != ',') return *text == '\0';
        if (n == ALL) return false;
    }
}

static pt_status read_nodes(const char *text, list *l)
{
    bool good = strstr(text, "..") ? read_range(text, l) : read_list(text, false, l);

    return good ? PT_OK
                : pt_fail(PT_ERR_USAGE,
                          "--nodes is '%.60s', must be a range such as 8..1024 or an "
                          "ascending list such as 4,6,8, of 1 to %d nodes",
                          text, PT_MAX_SHARDS);
}

static pt_status read_servers(const char *text, list *l)
{
    return read_list(text, true, l)
               ? PT_OK
               : pt_fail(PT_ERR_USAGE,
                         "--servers is '%.60s', must be an ascending list such as 1,4,n, "
                         "in which n stands for one on each node",
                         text);
}

pt_status pt_plan_rows(const pt_plan_options *o, pt_forecast **rows, size_t *n)
{
    list nodes = {.n = 0}, servers = {.n = 0};
    pt_status s = read_nodes(o->nodes, &nodes);

    *rows = NULL;
    *n = 0;
    if (s == PT_OK) s = read_servers(o->servers, &servers);
    if (s == PT_OK) *rows = pt_calloc(nodes.n * servers.n + 1, sizeof **rows);
    if (s == PT_OK && !*rows) s = pt_fail(PT_ERR_NOMEM, "no memory for the plan");
    for (size_t i = 0; i < nodes.n && s == PT_OK; i++)
        for (size_t k = 0; k < servers.n; k++) {
            bool all = servers.value[k] == ALL;
            int count = all ? nodes.value[i] : servers.value[k];
            bool twice = *n > 0 && (*rows)[*n - 1].trial.nodes == nodes.value[i] &&
                         (*rows)[*n - 1].trial.servers >= count;

            if (count > nodes.value[i] || twice) continue;
            (*rows)[(*n)++] = (pt_forecast){.trial = {.network = o->network,
                                                      .nodes = nodes.value[i],
                                                      .servers = count,
                                                      .apart = o->apart,
                                                      .sockets = !o->rdma,
                                                      .cores = o->cores,
                                                      .batch = o->batch,
                                                      .link = o->bytes_per_s,
                                                      .latency_s = 1e-6 * o->latency_us},
                                            .all = count == nodes.value[i]};
        }
    if (s == PT_OK && *n == 0)
        s = pt_fail(PT_ERR_USAGE,
                    "--servers %s: every layout has more servers than nodes", o->servers);
    return s;
}

/* ---- the command line -------------------------------------------------------------- */

static pt_status check(const void *given)
{
    const pt_plan_options *o = given;
    double rate;
    list nodes = {.n = 0}, servers = {.n = 0};
    pt_status s = pt_plan_link(o->link, &rate);

    if (s == PT_OK) s = read_nodes(o->nodes, &nodes);
    if (s == PT_OK) s = read_servers(o->servers, &servers);
    return s == PT_OK ? pt_network_arg_check(o->network) : s;
}

static const char about[] =
    "Predicts the step of a job before you pay for it. The program's own communication "
    "runs on simulated nodes (SimGrid); the layers take the time that they take here, or "
    "on a node of which you know the speed. Beside each time stands the bound that no "
    "layout of these nodes and servers can beat.";

static const pt_plan_options defaults = {.network = "resnet50",
                                         .nodes = "2..64",
                                         .servers = "1,4,n",
                                         .link = "10Gb/s",
                                         .batch = 16,
                                         .latency_us = 20,
                                         .threads = 1,
                                         .jobs = 2,
                                         .limit_s = 120};

/* What a link carries of payload; it was checked. */
static bool find_rate(pt_plan_options *o)
{
    if (pt_plan_link(o->link, &o->bytes_per_s) != PT_OK) return false;
    if (o->mtu > 0) o->bytes_per_s *= pt_plan_payload(o->mtu);
    return true;
}

bool pt_plan_options_read(int argc, char **argv, pt_plan_options *o, int *code)
{
    const pt_arg table[] = {
        PT_ARG_NETWORK(&o->network),
        PT_ARG_TEXT("nodes", "LIST", &o->nodes,
                    "Nodes of the job, one worker on each: 8..1024 doubles, 4,6,8 lists "
                    "(default: 2..64)"),
        PT_ARG_TEXT("servers", "LIST", &o->servers,
                    "Servers, beside the workers of the first nodes; n: one on each node "
                    "(default: 1,4,n)"),
        PT_ARG_TEXT(
            "link", "RATE", &o->link,
            "What each node's link carries in each direction, as ptrain doctor or "
            "iperf measures it: 25Gb/s, 940Mb/s, 3.1GB/s (default: 10Gb/s)"),
        PT_ARG_NUMBER("latency", "US", &o->latency_us, 0, 100000,
                      "Microseconds from node to node (default: 20)"),
        PT_ARG_NUMBER("mtu", "BYTES", &o->mtu, 576, 65535,
                      "The rate is that on the label of an Ethernet: headers take their "
                      "part of packets of this size (default: the rate is measured, "
                      "without headers)"),
        PT_ARG_FLAG("rdma", &o->rdma,
                    "The network card moves all bytes, without sockets: InfiniBand"),
        PT_ARG_FLAG("servers-apart", &o->apart,
                    "Servers are on nodes of their own, beyond --nodes"),
        PT_ARG_NUMBER("machine", "CORES", &o->cores, 1, 1024,
                      "All nodes share this machine's cores, as in namespaces "
                      "(default: each rank has a core)"),
        PT_ARG_NUMBER("batch", "B", &o->batch, 1, 1024,
                      "Images of each node and step (default: 16)"),
        PT_ARG_NUMBER("images-per-second", "N", &o->images_per_s, 1, 1000000,
                      "What one node trains alone (default: measured on this machine)"),
        PT_ARG_NUMBER("threads", "T", &o->threads, 1, PT_MAX_THREADS,
                      "Threads of that measurement (default: 1)"),
        PT_ARG_NUMBER("jobs", "N", &o->jobs, 1, 64,
                      "Simulations at once, each on one core (default: 2)"),
        PT_ARG_NUMBER("limit", "SECONDS", &o->limit_s, 1, 1000000,
                      "Of a simulation; instead of a longer one the formula answers, ~ "
                      "(default: 120)"),
        PT_ARG_TEXT("svg", "FILE.svg", &o->svg, "Draw the table as well")};
    const pt_args args = {
        .command = "plan",
        .about = about,
        .example = "ptrain plan --network vgg16 --nodes 8..1024 --link 25Gb/s --servers "
                   "1,4,32,n",
        PT_ARGS_TABLE(table),
        .check = check,
        .given = o};

    *o = defaults;
    return pt_args_read(&args, argc, argv, code) && find_rate(o);
}
