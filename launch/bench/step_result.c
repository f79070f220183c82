#include "launch/bench/step_result.h"

#include "common/base/cores.h"
#include "common/base/log.h"
#include "launch/bench/measure.h"

static const double mb = 1e-6;

/* GFLOP of a step in kind k, or in all. */
static pt_bench_work work_of(const pt_bench_step_options *o, const pt_graph *g, int k)
{
    pt_bench_work sum = {0};

    for (int i = 0; i < PT_N_KINDS; i++) {
        pt_bench_work one = pt_bench_flop(g, o->kernels.conv, (pt_bench_kind)i);

        if (k != i && k != PT_N_KINDS) continue;
        sum.fp32 += one.fp32 * o->batch * 1e-9;
        sum.bf16 += one.bf16 * o->batch * 1e-9;
    }
    return sum;
}

static double gflop_of(const pt_bench_step_options *o, const pt_graph *g, int k)
{
    pt_bench_work w = work_of(o, g, k);

    return w.fp32 + w.bf16;
}

/* What kind k, or all, would take at the peak, of what it took. */
static double share_of_peak(const pt_bench_step_options *o, const pt_graph *g, int k,
                            const pt_bench_alone_result *r)
{
    double seconds = k == PT_N_KINDS ? r->seconds : r->parts[k];

    return seconds > 0 ? pt_bench_at_peak(&r->peak, work_of(o, g, k)) / seconds : 0;
}

static bool is_bf16(const pt_bench_step_options *o)
{
    return pt_kernel_bf16(o->kernels.conv);
}

/* Part of the time that is neither matrix products nor waiting. */
static double outside(const pt_bench_alone_result *r)
{
    double rest = 0;

    for (int k = 0; k < PT_N_KINDS; k++)
        if (!pt_bench_kind_multiplies((pt_bench_kind)k) && k != PT_KIND_WAITING)
            rest += r->parts[k];
    return rest / r->seconds;
}

/* ---- JSON ------------------------------------------------------------------------- */

/* What both kinds of runs have, and more, which it takes. */
static pt_status print_json(const pt_bench_step_options *o, const pt_graph *g,
                            double seconds, json_t *more)
{
    double gflop = gflop_of(o, g, PT_N_KINDS);
    json_t *j = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f}", "bench",
        "step", "network", o->network, "precision", is_bf16(o) ? "bf16" : "fp32", "batch",
        o->batch, "threads", o->threads, "workers", o->workers, "shards", o->shards,
        "steps", o->steps, "kernels", pt_kernels_describe(o->kernels), "seconds", seconds,
        "images_per_s", o->batch / seconds, "gflop", gflop, "gflop_per_s",
        gflop / seconds);

    if (!more || json_object_update(j, more) != 0) {
        json_decref(j);
        j = NULL;
    }
    json_decref(more);
    return pt_bench_print_json(j);
}

static json_t *kinds_json(const pt_bench_step_options *o, const pt_graph *g,
                          const pt_bench_alone_result *r)
{
    json_t *list = json_array();

    for (int k = 0; list && k < PT_N_KINDS; k++) {
        pt_bench_work work = work_of(o, g, k);
        double gflop = work.fp32 + work.bf16, s = r->parts[k];

        json_array_append_new(
            list, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "kind",
                            pt_bench_kind_name((pt_bench_kind)k), "seconds", s, "share",
                            s / r->seconds, "gflop", gflop, "gflop_bf16", work.bf16,
                            "gflop_per_s", s > 0 ? gflop / s : 0.0, "share_of_peak",
                            share_of_peak(o, g, k, r)));
    }
    return list;
}

static pt_status alone_json(const pt_bench_step_options *o, const pt_graph *g,
                            const pt_bench_alone_result *r)
{
    const pt_bench_peak *peak = &r->peak;
    json_t *more =
        json_pack("{s:f, s:s, s:f, s:f, s:o, s:{s:I, s:I, s:I}, s:I}", "peak_gflop_per_s",
                  peak->fp32.gflops, "peak_kernel", peak->fp32.kernel, "share_of_peak",
                  share_of_peak(o, g, PT_N_KINDS, r), "share_outside_products",
                  outside(r), "kinds", kinds_json(o, g, r), "arena_bytes", "activations",
                  (json_int_t)r->arena.activations, "gradients",
                  (json_int_t)r->arena.gradients, "scratch", (json_int_t)r->arena.scratch,
                  "peak_rss_bytes", (json_int_t)r->peak_rss);

    if (more && is_bf16(o)) {
        json_object_set_new(more, "peak_bf16_gflop_per_s", json_real(peak->bf16.gflops));
        json_object_set_new(more, "peak_bf16_kernel", json_string(peak->bf16.kernel));
    }
    return print_json(o, g, r->seconds, more);
}

/* Images/s if the server had cores of its own: where the ranks share this machine's cores
 * and fill them, the server's time is missing in the workers'. */
static double without_server(const pt_bench_step_options *o, const pt_bench_job_result *r)
{
    int cores = pt_cores_cpus();
    bool shared = o->workers * o->threads + 1 > cores;

    return o->batch / (r->seconds - (shared ? r->server / cores : 0));
}

static pt_status job_json(const pt_bench_step_options *o, const pt_graph *g,
                          const pt_bench_job_result *r)
{
    json_t *more = json_pack(
        "{s:f, s:{s:f, s:f, s:f, s:I}, s:{s:f, s:f, s:f, s:f, s:I}}",
        "images_per_s_without_server", without_server(o, r), "worker", "input_s",
        r->input, "compute_s", r->compute, "waiting_s", r->waiting, "peak_rss_bytes",
        (json_int_t)r->worker_rss, "server", "tree_s", r->tree, "update_s", r->update,
        "copies_s", r->server - r->tree - r->update, "all_s", r->server, "peak_rss_bytes",
        (json_int_t)r->server_rss);

    return print_json(o, g, r->seconds, more);
}

/* ---- text ------------------------------------------------------------------------- */

static void print_head(const pt_bench_step_options *o, const pt_graph *g, double seconds)
{
    double gflop = gflop_of(o, g, PT_N_KINDS);

    pt_log_info("network   %s, batch %d, V = %d, %d step%s after %d", o->network,
                o->batch, o->shards, o->steps, o->steps == 1 ? "" : "s", o->warmup);
    pt_log_info("kernels   %s", pt_kernels_describe(o->kernels));
    pt_log_info("step      %.1f ms, %.2f images/s, %.1f GFLOP, %.1f GFLOP/s",
                seconds * 1e3, o->batch / seconds, gflop, gflop / seconds);
}

static void print_peak(const pt_bench_step_options *o, const pt_graph *g,
                       const pt_bench_alone_result *r)
{
    const pt_bench_rate *fp32 = &r->peak.fp32, *bf16 = &r->peak.bf16;
    double percent = 100 * share_of_peak(o, g, PT_N_KINDS, r);
    const char *s = o->threads == 1 ? "" : "s";

    if (is_bf16(o))
        pt_log_info("peak      %.1f GFLOP/s on %d thread%s (%s), with operands in bf16 "
                    "%.1f (%s); the step reaches %.0f %% of each for its part",
                    fp32->gflops, o->threads, s, fp32->kernel, bf16->gflops, bf16->kernel,
                    percent);
    else
        pt_log_info(
            "peak      %.1f GFLOP/s on %d thread%s (%s); the step reaches %.0f %%",
            fp32->gflops, o->threads, s, fp32->kernel, percent);
}

static void alone_text(const pt_bench_step_options *o, const pt_graph *g,
                       const pt_bench_alone_result *r)
{
    print_head(o, g, r->seconds);
    print_peak(o, g, r);
    pt_log_info("memory    %.0f MB activations, %.0f MB gradients, %.0f MB scratch; "
                "%.0f MB in all at most",
                (double)r->arena.activations * mb, (double)r->arena.gradients * mb,
                (double)r->arena.scratch * mb, (double)r->peak_rss * mb);
    pt_log_info("%-12s %9s %7s %9s %9s %7s", "", "ms", "share", "GFLOP", "GFLOP/s",
                "peak");
    for (int k = 0; k < PT_N_KINDS; k++) {
        double s = r->parts[k], gflop = gflop_of(o, g, k);
        const char *name = pt_bench_kind_name((pt_bench_kind)k);

        if (gflop > 0)
            pt_log_info("%-12s %9.2f %6.1f%% %9.2f %9.1f %6.0f%%", name, s * 1e3,
                        100 * s / r->seconds, gflop, gflop / s,
                        100 * share_of_peak(o, g, k, r));
        else if (s > 0)
            pt_log_info("%-12s %9.2f %6.1f%%", name, s * 1e3, 100 * s / r->seconds);
    }
    pt_log_info("outside matrix products %.1f %%", 100 * outside(r));
}

static void job_text(const pt_bench_step_options *o, const pt_graph *g,
                     const pt_bench_job_result *r)
{
    print_head(o, g, r->seconds);
    pt_log_info("layout    1 server, %d worker%s x %d thread%s on %d cores", o->workers,
                o->workers == 1 ? "" : "s", o->threads, o->threads == 1 ? "" : "s",
                pt_cores_cpus());
    pt_log_info("a worker  %.1f ms computing, %.1f ms waiting, %.1f ms input",
                r->compute * 1e3, r->waiting * 1e3, r->input * 1e3);
    pt_log_info(
        "server    %.1f ms of a core: tree %.1f, update %.1f, messages and copies "
        "%.1f",
        r->server * 1e3, r->tree * 1e3, r->update * 1e3,
        (r->server - r->tree - r->update) * 1e3);
    pt_log_info("          %.2f images/s without it", without_server(o, r));
    pt_log_info("memory    %.0f MB per worker, %.0f MB for the server, at most",
                (double)r->worker_rss * mb, (double)r->server_rss * mb);
}

pt_status pt_bench_print_alone(const pt_bench_step_options *o, const pt_graph *g,
                               const pt_bench_alone_result *r)
{
    if (o->json) return alone_json(o, g, r);
    alone_text(o, g, r);
    return PT_OK;
}

pt_status pt_bench_print_job(const pt_bench_step_options *o, const pt_graph *g,
                             const pt_bench_job_result *r)
{
    if (o->json) return job_json(o, g, r);
    job_text(o, g, r);
    return PT_OK;
}
