#include "launch/commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/run/synthetic.h"
#include "launch/plan/chart.h"
#include "launch/plan/measure.h"
#include "launch/plan/options.h"
#include "launch/plan/simulate.h"
#include "launch/plan/sockets.h"

/* ---- what a node takes ------------------------------------------------------------- */

static pt_status measure_layers(const pt_plan_options *o, pt_costs *c)
{
    printf("measuring steps of %d images on %d thread%s of this machine "
           "(--images-per-second gives a speed instead) ...\n",
           o->batch, o->threads, o->threads == 1 ? "" : "s");
    fflush(stdout);
    return pt_measure_layers(o->network, o->batch, o->threads, c);
}

static pt_status find_costs(const pt_plan_options *o, pt_costs *c)
{
    pt_graph *g = NULL;
    pt_status s = pt_synthetic_graph(o->network, 0, &g);

    if (s == PT_OK) s = pt_costs_init(c, g);
    if (s == PT_OK && o->images_per_s > 0)
        pt_estimate_layers(g, o->batch, o->images_per_s, c);
    else if (s == PT_OK)
        s = measure_layers(o, c);
    if (s == PT_OK) s = pt_measure_rates(&c->rates);
    if (s == PT_OK && !o->rdma) s = pt_measure_sockets(&c->rates);
    pt_graph_destroy(&g);
    return s;
}

/* ---- the table --------------------------------------------------------------------- */

static void print_head(const pt_plan_options *o, const pt_costs *c)
{
    double compute_s = pt_costs_compute(c);

    printf("%s, %d images a node and step, links of %s, %d us%s\n", o->network, o->batch,
           o->link, o->latency_us, o->mtu > 0 ? ", headers included" : "");
    printf("a node alone: %.3g s a step, %.3g images/s (%s)\n", compute_s,
           o->batch / compute_s,
           o->images_per_s > 0 ? "as given" : "measured on this machine");
    printf("a server's thread: checksums %.1f GB/s, sums %.1f GB/s, update %.1f GB/s",
           1e-9 / c->rates.checksum, 1e-9 / c->rates.addition, 1e-9 / c->rates.update);
    if (!o->rdma)
        printf(", sockets %.1f GB/s out and %.1f GB/s in", 1e-9 / c->rates.send,
               1e-9 / c->rates.receive);
    printf("\n");
    if (o->apart)
        printf("each server has a node of its own, beyond those of the table\n");
    if (o->cores > 0) printf("all nodes share one machine of %d cores\n", o->cores);
    printf("\n");
    printf("%6s %8s %10s %10s %11s %9s %9s\n", "nodes", "servers", "step s", "images/s",
           "efficiency", "bound s", "of bound");
    fflush(stdout);
}

static void print_row(void *compute_s, const pt_forecast *r)
{
    const double *alone = compute_s;
    const pt_trial *t = &r->trial;

    printf("%6d %8d %c%9.4g %10.4g %10.0f%% %9.4g %8.0f%%\n", t->nodes, t->servers,
           r->simulated ? ' ' : '~', r->step_s, t->batch * t->nodes / r->step_s,
           100 * *alone / r->step_s, r->bound_s, 100 * r->bound_s / r->step_s);
    fflush(stdout);
}

static void print_best(const pt_forecast *rows, size_t n)
{
    bool formula = false;

    printf("\nbest:");
    for (size_t i = 0, printed = 0; i < n; i++) {
        formula = formula || !rows[i].simulated;
        if (rows[i].best)
            printf("%s %d server%s for %d nodes", printed++ ? "," : "",
                   rows[i].trial.servers, rows[i].trial.servers == 1 ? "" : "s",
                   rows[i].trial.nodes);
    }
    printf("\n");
    if (formula)
        printf("~ not simulated, too large or longer than --limit: the bound, times what "
               "the largest simulated layout\n  with as many servers, or as these with "
               "one on each node, took beyond its own\n");
}

/* ---- the command ------------------------------------------------------------------- */

/* Simulations take minutes: a drawing that cannot be written is said before them. */
static pt_status check_svg(const char *path)
{
    FILE *f = path ? fopen(path, "a") : NULL;

    if (path && !f)
        return pt_fail(PT_ERR_IO, "%s: cannot be created: %s", path, strerror(errno));
    if (f) fclose(f);
    return PT_OK;
}

static pt_status plan(const pt_plan_options *o)
{
    pt_costs costs = {0};
    pt_forecast *rows = NULL;
    double compute_s;
    char title[160];
    size_t n = 0;
    pt_status s = pt_simulator_find();

    if (s == PT_OK) s = pt_plan_rows(o, &rows, &n);
    if (s == PT_OK) s = check_svg(o->svg);
    if (s == PT_OK) s = find_costs(o, &costs);
    if (s == PT_OK) {
        compute_s = pt_costs_compute(&costs);
        print_head(o, &costs);
        s = pt_forecast_all(rows, n, &costs,
                            &(pt_forecast_effort){.jobs = o->jobs, .limit_s = o->limit_s},
                            print_row, &compute_s);
    }
    if (s == PT_OK) print_best(rows, n);
    if (s == PT_OK && o->svg) {
        snprintf(title, sizeof title, "%s, %d images a node and step, links of %s",
                 o->network, o->batch, o->link);
        s = pt_plan_chart(o->svg, title, rows, n, compute_s);
    }
    free(rows);
    pt_costs_fini(&costs);
    return s;
}

int pt_cmd_plan(int argc, char **argv)
{
    pt_plan_options o;
    pt_status s;
    int code;

    if (!pt_plan_options_read(argc, argv, &o, &code)) return code;
    s = plan(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
