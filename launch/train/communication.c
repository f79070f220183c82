#include "launch/train/communication.h"

#include "common/base/log.h"
#include "common/run/wire.h"
#include "launch/train/metrics.h"

static const double worth_saying = 0.05;

/* As the workers see it, or as the busiest server does: whichever is longer. */
static double seconds_of_step(const pt_communication *c)
{
    double workers = pt_times_communication(c->times),
           server = c->waits->sending / ((double)c->times->steps + 1);

    return workers > server ? workers : server;
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
    if (c->times->steps == 0) return;
    pt_log_info("communication %.3g s/step, exposed %.3g", seconds_of_step(c),
                pt_times_exposed(c->times));
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
    json_object_set_new(o, "weights_by_tensor_s", tensors_json(c));
    return o;
}
