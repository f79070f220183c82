#include "launch/bench/step.h"

#include "common/base/log.h"
#include "launch/bench/alone.h"
#include "launch/bench/job.h"
#include "launch/bench/options.h"

int pt_bench_step(int argc, char **argv)
{
    pt_bench_step_options o;
    pt_status s;
    int code;

    if (!pt_bench_read_step(argc, argv, &o, &code)) return code;
    if (o.workers > 0) return pt_bench_job(&o, argc, argv);
    s = pt_bench_alone(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
