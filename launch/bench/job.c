#include "launch/bench/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "launch/bench/measure.h"
#include "launch/bench/step_result.h"
#include "launch/bench/workload.h"
#include "launch/support/mpirun.h"
#include "launch/support/share_memory.h"
#include "server/serve.h"
#include "worker/step.h"

/* The first step: a step is timed from the end of the one before. */
enum { UNTIMED = 1 };

/* What rank 0 sees of the steps; sums are of the measured ones. */
typedef struct {
    const pt_bench_step_options *o;
    double *seconds; /* [steps] */
    int n;
    pt_server_costs costs; /* at the end of the last warm-up step */
    double cpu;            /* the same */
    double times[PT_PAYLOAD_TIMES];
    pt_bench_job_result result;
} watch;

static pt_status on_step(void *context, const pt_step_report *report)
{
    watch *w = context;
    int first = UNTIMED + w->o->warmup, steps = w->o->steps;
    double cpu = pt_process_cpu_clock();

    if (report->step + 1 == (uint64_t)first) {
        w->costs = report->costs;
        w->cpu = cpu;
    }
    if (report->step < (uint64_t)first || w->n == steps) return PT_OK;
    w->seconds[w->n++] = report->seconds;
    for (int i = 0; i < w->o->workers * PT_PAYLOAD_TIMES; i++)
        w->times[i % PT_PAYLOAD_TIMES] += report->times[i];
    if (w->n < steps) return PT_OK;
    w->result.tree = (report->costs.tree_s - w->costs.tree_s) / steps;
    w->result.update = (report->costs.update_s - w->costs.update_s) / steps;
    w->result.server = (cpu - w->cpu) / steps;
    return PT_OK;
}

static pt_status serve(pt_run *run, watch *w)
{
    pt_test_sizes tests = {0};
    pt_server_hooks hooks = {.context = w, .on_step = on_step};
    pt_server *server = NULL;
    bool agreed = false;
    pt_status s;

    w->seconds = pt_calloc((size_t)w->o->steps, sizeof *w->seconds);
    s = w->seconds ? pt_server_create(run, pt_job_comm(), &tests, &hooks, NULL, &server)
                   : pt_fail(PT_ERR_NOMEM, "no memory for the times");
    s = pt_job_agree(s);
    if (s == PT_OK) {
        s = pt_server_run(server, &agreed);
        if (s != PT_OK && !agreed) pt_job_die(s);
        s = pt_job_agree(s);
    }
    pt_server_destroy(&server);
    return s;
}

static pt_status work(const pt_bench_step_options *o, pt_run *run)
{
    int worker = pt_job_rank() - run->n_servers;
    pt_test_sets tests = {0};
    pt_bench_images images = {0};
    pt_source source = pt_bench_source(&images);
    pt_threads *pool = NULL;
    pt_worker *w = NULL;
    bool agreed = false;
    pt_status s = pt_threads_create(o->threads, &pool);

    if (s == PT_OK) s = pt_bench_images_init(run, worker, &images);
    if (s == PT_OK)
        s = pt_worker_create(run, pt_job_comm(), worker, pool, &source, &tests, &w);
    s = pt_job_agree(s);
    if (s == PT_OK) {
        s = pt_worker_run(w, &agreed);
        if (s != PT_OK && !agreed) pt_job_die(s);
        s = pt_job_agree(s);
    }
    pt_worker_destroy(&w);
    pt_bench_images_fini(&images);
    pt_threads_destroy(&pool);
    return s;
}

/* Collective: every rank's memory to rank 0. */
static void gather_rss(const pt_bench_step_options *o, pt_bench_job_result *r)
{
    char mine[32], *all;

    snprintf(mine, sizeof mine, "%" PRIu64, pt_bench_peak_rss());
    all = pt_job_gather_text(mine);
    for (int i = 0; all && i <= o->workers; i++) {
        uint64_t rss = strtoull(all + (size_t)i * PT_JOB_TEXT_BYTES, NULL, 10);
        uint64_t *of = i == 0 ? &r->server_rss : &r->worker_rss;

        if (rss > *of) *of = rss;
    }
    free(all);
}

static void finish(watch *w)
{
    double n = (double)w->o->steps * w->o->workers;

    w->result.seconds = pt_bench_median(w->seconds, w->n);
    w->result.input = w->times[PT_TIME_INPUT] / n;
    w->result.compute = w->times[PT_TIME_COMPUTE] / n;
    w->result.waiting = pt_times_waited(w->times) / n;
}

static pt_status check_ranks(const pt_bench_step_options *o)
{
    return pt_job_size() == o->workers + 1
               ? PT_OK
               : pt_fail(PT_ERR_USAGE,
                         "bench step: %d ranks for 1 server and %d workers (it starts "
                         "mpirun itself)",
                         pt_job_size(), o->workers);
}

static pt_status take_part(const pt_bench_step_options *o)
{
    watch w = {.o = o};
    pt_run *run = NULL;
    pt_status s = pt_job_agree(check_ranks(o));

    if (s == PT_OK)
        s = pt_job_agree(
            pt_bench_run_create(o, o->workers, UNTIMED + o->warmup + o->steps, &run));
    if (s == PT_OK) s = pt_share_memory(run);
    if (s == PT_OK) s = pt_job_rank() == 0 ? serve(run, &w) : work(o, run);
    if (s == PT_OK) gather_rss(o, &w.result);
    if (s == PT_OK && pt_job_rank() == 0) {
        finish(&w);
        s = pt_bench_print_job(o, run->graph, &w.result);
    }
    if (s == PT_OK || run) s = pt_job_agree(s);
    free(w.seconds);
    pt_run_destroy(&run);
    return s;
}

/* The line for mpirun has the command's own name in front. */
static int start_job(const pt_bench_step_options *o, int argc, char **argv)
{
    char bench[] = "bench", **line = calloc((size_t)argc + 2, sizeof *line);
    int code;

    if (!line) {
        pt_log_error("no memory for the command line");
        return 1;
    }
    line[0] = bench;
    for (int i = 0; i < argc; i++) line[i + 1] = argv[i];
    code = pt_mpirun(o->workers + 1, false, argc + 1, line);
    free(line);
    return code;
}

int pt_bench_job(const pt_bench_step_options *o, int argc, char **argv)
{
    pt_status s;

    if (!pt_under_launcher()) return start_job(o, argc, argv);
    s = pt_job_start(&argc, &argv);
    if (s == PT_OK) s = take_part(o);
    return pt_job_end(s);
}
