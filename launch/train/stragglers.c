#include "launch/train/stragglers.h"

#include "common/base/log.h"
#include "launch/train/metrics.h"

enum { SHOWN = 10 };
static const double worth_saying = 0.05;

static const double *times_of(const pt_times *t, int worker)
{
    return t->workers + (size_t)worker * PT_PAYLOAD_TIMES;
}

/* The fastest worker's computing over this one's, 0 to 1: NVIDIA's score. */
static double score(const pt_times *t, int worker)
{
    double best = times_of(t, worker)[PT_TIME_COMPUTE], own = best;

    for (int w = 0; w < t->n_workers; w++)
        if (times_of(t, w)[PT_TIME_COMPUTE] < best)
            best = times_of(t, w)[PT_TIME_COMPUTE];
    return own > 0 ? best / own : 1;
}

/* How many workers were waited for longer, or as long and come first. */
static int place(const pt_times *t, int worker)
{
    int before = 0;

    for (int w = 0; w < t->n_workers; w++)
        before += t->waited_for[w] > t->waited_for[worker] ||
                  (w < worker && t->waited_for[w] >= t->waited_for[worker]);
    return before;
}

static void say_one(const pt_times *t, int worker, int n_servers,
                    const char *(*host)(int rank))
{
    const double *s = times_of(t, worker);

    pt_log_info("%6d %11.1f %10.1f %7.1f %8.1f %6.1f %7.1f %6.2f  %s", n_servers + worker,
                t->waited_for[worker], s[PT_TIME_COMPUTE], s[PT_TIME_INPUT],
                s[PT_TIME_WEIGHTS], s[PT_TIME_SUMS], s[PT_TIME_RECORD], score(t, worker),
                host(n_servers + worker));
}

void pt_stragglers_say(const pt_times *t, int n_servers, const char *(*host)(int rank))
{
    double uneven = pt_times_uneven(t);
    int n = t->n_workers < SHOWN ? t->n_workers : SHOWN;

    if (t->n_workers < 2 || uneven < worth_saying) return;
    pt_log_info(
        "stragglers: workers waited for slower ones %.0f %% of the time; in seconds, "
        "how long the others waited for each, and its own time:",
        100 * uneven);
    pt_log_info(
        "  rank  waited for  computing   input  weights   sums  record  score  host");
    for (int at = 0; at < n; at++)
        for (int w = 0; w < t->n_workers; w++)
            if (place(t, w) == at) say_one(t, w, n_servers, host);
    if (n < t->n_workers) pt_log_info("  and %d more, in result.json", t->n_workers - n);
}

static json_t *worker_json(const pt_times *t, int worker)
{
    json_t *o = json_pack("{s:s, s:o, s:o}", "role", "worker", "waited_for_s",
                          pt_metrics_number(t->waited_for[worker]), "score",
                          pt_metrics_number(score(t, worker)));

    for (int i = 0; i < PT_PAYLOAD_TIMES; i++)
        json_object_set_new(o, pt_times_names[i],
                            pt_metrics_number(times_of(t, worker)[i]));
    return o;
}

static json_t *server_json(const pt_waits *waits, int server)
{
    const pt_server_costs *c = &waits->costs[server];

    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I}", "role", "server",
                     "waited_for_s", pt_metrics_number(waits->servers[server]), "sums_s",
                     pt_metrics_number(c->tree_s), "update_s",
                     pt_metrics_number(c->update_s), "messages_s",
                     pt_metrics_number(c->rest_s), "sent_bytes", (json_int_t)c->sent,
                     "received_bytes", (json_int_t)c->received);
}

json_t *pt_stragglers_json(const pt_times *t, const pt_waits *waits,
                           const char *(*host)(int rank))
{
    json_t *all = json_array();

    for (int r = 0; all && r < waits->n_servers + t->n_workers; r++) {
        json_t *one = r < waits->n_servers ? server_json(waits, r)
                                           : worker_json(t, r - waits->n_servers);

        json_object_set_new(one, "rank", json_integer(r));
        json_object_set_new(one, "host", json_string(host(r)));
        json_array_append_new(all, one);
    }
    return all;
}
