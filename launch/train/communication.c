#include "launch/train/communication.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/run/traffic.h"
#include "launch/train/metrics.h"

static const double worth_saying = 0.05;

/* ---- the bound --------------------------------------------------------------------- */

/* Of the busiest place. *rate: its. */
static double longest(const pt_rates *rates, const pt_traffic *traffic, int n,
                      double *rate)
{
    double most = 0;

    for (int i = 0; i < n; i++) {
        double bytes_per_s = rates->hosts ? rates->hosts[i] : rates->copying;
        double s = bytes_per_s > 0 ? pt_traffic_seconds(&traffic[i], 1, bytes_per_s) : 0;

        if (s <= most) continue;
        most = s;
        *rate = bytes_per_s;
    }
    return most;
}

/* Places are hosts, or, on a single one, ranks. 0: not known. */
static double bound_of_step(const pt_run *r, const pt_rates *rates, uint64_t step,
                            double *rate)
{
    int size = r->n_servers + r->n_workers;
    pt_traffic *traffic = pt_calloc((size_t)size, sizeof *traffic);
    double s = 0;

    if (traffic &&
        pt_traffic_of_places(r, step, rates->hosts ? r->host : NULL, traffic) == PT_OK)
        s = longest(rates, traffic, rates->hosts ? rates->n_hosts : size, rate);
    free(traffic);
    return s;
}

void pt_bound_add(pt_bound *b, const pt_run *r, const pt_rates *rates, uint64_t step)
{
    if (rates->n_hosts == 0) return;
    if (b->steps == 0 || b->stage != r->stage) {
        b->now = bound_of_step(r, rates, step, &b->rate);
        b->step = step;
    }
    b->stage = r->stage;
    b->sum += b->now;
    b->steps++;
}

/* ---- what was reached -------------------------------------------------------------- */

/* As the workers see it, or as the busiest server does: whichever is longer. */
static double seconds_of_step(const pt_communication *c)
{
    double workers = pt_times_communication(c->times),
           server = c->waits->sending / ((double)c->times->steps + 1);

    return workers > server ? workers : server;
}

static double bound_of(const pt_communication *c)
{
    return c->bound->steps > 0 ? c->bound->sum / (double)c->bound->steps : 0;
}

static void describe_rate(const pt_communication *c, char *out, size_t n)
{
    if (c->rates->hosts)
        snprintf(out, n, "on %d hosts at the measured %.2f Gb/s", c->rates->n_hosts,
                 c->bound->rate * 8e-9);
    else
        snprintf(out, n,
                 "on one host (no network) at the measured %.2f GB/s from rank to rank",
                 c->bound->rate * 1e-9);
}

static void describe_bound(const pt_communication *c, char *out, size_t n)
{
    double bound = bound_of(c), seconds = seconds_of_step(c), percent;
    char rate[96];

    out[0] = '\0';
    if (bound <= 0 || seconds <= 0) return;
    describe_rate(c, rate, sizeof rate);
    percent = 100 * bound / seconds;
    snprintf(out, n, "; bound for %d worker%s, %d server%s %s: %.3g s (%.*f %%)",
             c->run->n_workers, c->run->n_workers == 1 ? "" : "s", c->run->n_servers,
             c->run->n_servers == 1 ? "" : "s", rate, bound, percent < 1 ? 2 : 0,
             percent);
}

/* Where most of the waiting for weights was. */
static void say_weights(const pt_communication *c)
{
    const pt_times *t = c->times;
    double share = t->sum.of[PT_TIME_WEIGHTS] / pt_times_all(t->sum.of);
    int longest = pt_waits_longest(c->waits);

    if (share < worth_saying || longest < 0) return;
    pt_log_info(
        "waiting for weights: %.0f %% of the workers' time, longest for %s (%.1f s "
        "per worker)",
        100 * share, c->run->graph->tensors[longest].name,
        c->waits->tensors[longest] / t->n_workers);
}

void pt_communication_say(const pt_communication *c)
{
    char bound[256];

    if (c->times->steps == 0) return;
    describe_bound(c, bound, sizeof bound);
    pt_log_info("communication %.3g s/step, exposed %.3g%s", seconds_of_step(c),
                pt_times_exposed(c->times), bound);
    say_weights(c);
}

static void set(json_t *o, const char *name, double x)
{
    json_object_set_new(o, name, pt_metrics_number(x));
}

/* Waits for weights by tensor, of a worker on average. */
static json_t *tensors_json(const pt_communication *c)
{
    json_t *o = json_object();

    for (int i = 0; o && i < c->waits->n_tensors; i++)
        if (c->waits->tensors[i] > 0)
            set(o, c->run->graph->tensors[i].name,
                c->waits->tensors[i] / c->times->n_workers);
    return o;
}

/* Bytes of a step on each host's link: [[sent, received], ...]. */
static json_t *links_json(const pt_communication *c)
{
    json_t *o = json_array();
    pt_traffic *t = pt_calloc((size_t)c->rates->n_hosts, sizeof *t);

    if (t && pt_traffic_of_places(c->run, c->bound->step, c->run->host, t) == PT_OK)
        for (int i = 0; i < c->rates->n_hosts; i++)
            json_array_append_new(
                o, json_pack("[I, I]", (json_int_t)t[i].sent, (json_int_t)t[i].received));
    free(t);
    return o;
}

json_t *pt_communication_json(const pt_communication *c)
{
    const pt_split *sum = &c->times->sum;
    double n = (double)c->times->steps;
    json_t *o = n > 0 ? json_object() : NULL;

    if (!o) return NULL;
    json_object_set_new(o, "steps", json_integer((json_int_t)c->times->steps));
    set(o, "seconds", seconds_of_step(c));
    set(o, "exposed_s", sum->exposed / n);
    set(o, "uneven_s", sum->uneven / n);
    for (int i = 0; i < PT_PAYLOAD_TIMES; i++) set(o, pt_times_names[i], sum->of[i] / n);
    if (bound_of(c) > 0) {
        set(o, "bound_s", bound_of(c));
        set(o, "bytes_per_s", c->bound->rate);
        json_object_set_new(o, "hosts", json_integer(c->rates->n_hosts));
        json_object_set_new(o, "link_test_bytes",
                            json_integer((json_int_t)c->rates->bytes));
        if (c->rates->hosts) json_object_set_new(o, "link_bytes", links_json(c));
    }
    json_object_set_new(o, "weights_by_tensor_s", tensors_json(c));
    return o;
}
