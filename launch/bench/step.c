#include "launch/bench/step.h"

#include "common/base/log.h"
#include "common/graph/graph.h"
#include "launch/bench/alone.h"
#include "launch/bench/job.h"
#include "launch/bench/options.h"

/* Before any rank starts, so that one line reports what is wrong. */
static pt_status check_network(const char *name)
{
    int side, n_classes;

    return pt_graph_defaults(name, &side, &n_classes);
}

int pt_bench_step(int argc, char **argv)
{
    pt_bench_step_options o;
    pt_status s;
    int code;

    if (!pt_bench_read_step(argc, argv, &o, &code)) return code;
    s = check_network(o.network);
    if (s == PT_OK && o.workers > 0) return pt_bench_job(&o, argc, argv);
    if (s == PT_OK) s = pt_bench_alone(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
