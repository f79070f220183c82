#include "launch/bench/step.h"

#include <stdio.h>

#include "common/graph/graph.h"
#include "common/base/log.h"
#include "launch/bench/alone.h"
#include "launch/bench/job.h"
#include "launch/bench/options.h"

static const char usage[] =
    "usage: ptrain bench step [--network N] [--batch B] [--threads T] [--workers W]\n"
    "\n"
    "Times a full training step with PtR on synthetic images: forward, losses, norms,\n"
    "backward, update. Without --workers in one process, by kind of layer; with it in a\n"
    "job of 1 server and W workers, which is started with mpirun.\n"
    "\n"
    "  --network N  any that `network.name` may be (resnet50)\n"
    "  --batch B    images of the whole batch (16)\n"
    "  --threads T  compute threads of a worker (1)\n"
    "  --workers W  worker ranks (0: none, one process)\n"
    "  --shards V   virtual shards of the batch (8)\n"
    "  --method M   winograd, direct or blas (winograd)\n"
    "  --steps N    steps measured (5)\n"
    "  --warmup N   steps before (2)\n"
    "  --json       one line of JSON\n";

/* Before any rank starts: one line says what is wrong. */
static pt_status check_network(const char *name)
{
    int side, n_classes;

    return pt_graph_defaults(name, &side, &n_classes);
}

int pt_bench_step(int argc, char **argv)
{
    pt_bench_step_options o;
    pt_status s = pt_bench_read_step(argc, argv, &o);

    if (s == PT_OK && o.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (s == PT_OK) s = check_network(o.network);
    if (s == PT_OK && o.workers > 0) return pt_bench_job(&o, argc, argv);
    if (s == PT_OK) s = pt_bench_alone(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
