#include "launch/train/dry_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/run/layout.h"
#include "common/run/traffic.h"
#include "launch/train/network.h"
#include "launch/train/start_weights.h"
#include "server/optimizer_state.h"
#include "worker/step.h"

static void print_data(const pt_setup *u)
{
    const Pt__Config__Evaluation *e = u->run->config->evaluation;
    int classes = u->run->graph->n_classes;
    uint64_t up = pt_traffic_of_rows(u->run, 0, u->n_test, classes) +
                  pt_traffic_of_rows(u->run, 0, u->validation.n, classes);
    char held_out[48] = "", every[48] = "";

    if (u->validation.n > 0)
        snprintf(held_out, sizeof held_out, ", %zu validation", u->validation.n);
    if (e->every_epochs == 1)
        snprintf(every, sizeof every, "every epoch and ");
    else if (e->every_epochs > 1)
        snprintf(every, sizeof every, "every %u epochs and ", e->every_epochs);
    if (u->n_test == 0)
        pt_log_info("data      %zu training%s%s images and none to test on",
                    u->run->plan->n_images, *held_out ? " and" : "",
                    *held_out ? held_out + 1 : "");
    else
        pt_log_info("data      %zu training%s and %zu test images%s",
                    u->run->plan->n_images, held_out, u->n_test,
                    strcmp(u->run->config->data->test_split, "val") == 0
                        ? " (those of split val)"
                        : "");
    if (u->n_test + u->validation.n > 0)
        pt_log_info("tests     %sat the end: %.2f MB up, %.2f MB down per worker", every,
                    (double)up * 1e-6, (double)pt_traffic_of_running(u->run) * 1e-6);
}

/* The server with the most parameters. */
static int largest_server(const pt_run *r)
{
    int largest = 0;

    for (int k = 1; k < r->n_servers; k++)
        if (pt_keys_bytes(r->keys, k) > pt_keys_bytes(r->keys, largest)) largest = k;
    return largest;
}

/* How even the parameters are: the slowest link is that of the largest server. */
static void print_servers(const pt_run *r)
{
    double all = (double)(r->graph->n_param_floats * sizeof(float));
    double most = (double)pt_keys_bytes(r->keys, largest_server(r)), least = most;
    int hosts = r->host ? pt_layout_hosts(r->host, r->n_servers) : 1;

    for (int k = 0; k < r->n_servers; k++) {
        double bytes = (double)pt_keys_bytes(r->keys, k);

        if (bytes < least) least = bytes;
    }
    pt_log_info("servers   %d on %d host%s, %.2f to %.2f MB of parameters each; the "
                "largest has %.3f times the mean",
                r->n_servers, hosts, hosts == 1 ? "" : "s", least * 1e-6, most * 1e-6,
                most * r->n_servers / all);
}

/* The busiest worker, in a full step. */
static void print_traffic(const pt_run *r)
{
    size_t n = (size_t)r->n_servers + (size_t)r->n_workers;
    pt_traffic *all = pt_calloc(n, sizeof *all), t = {0};

    if (all && pt_traffic_of_places(r, 0, NULL, all) == PT_OK)
        for (int w = 0; w < r->n_workers; w++) {
            pt_traffic one = all[r->n_servers + w];

            if (one.sent + one.received > t.sent + t.received) t = one;
        }
    pt_log_info("traffic   %.2f MB up, %.2f MB down per worker and step",
                (double)t.sent * 1e-6, (double)t.received * 1e-6);
    free(all);
}

void pt_dry_run_print(const pt_setup *u)
{
    const pt_run *r = u->run;
    const pt_config *c = r->config;
    double mb = 1e-6, owned = (double)pt_keys_bytes(r->keys, largest_server(r)),
           state = owned * (double)pt_optimizer_floats(r);
    pt_span full = pt_run_span(r, 0, 0);

    pt_log_info("network   %s, %zu parameters (%.1f MB), %d classes, input %d x %d",
                pt_network_title(c->network), r->graph->n_param_floats,
                (double)r->graph->n_param_floats * 4 * mb, r->graph->n_classes,
                u->network.options.side, u->network.options.side);
    pt_start_weights_print(c, &u->network.files, r->graph, &u->weights, &u->preprocess);
    print_data(u);
    pt_log_info("layout    %d server%s + %d worker%s; V = %d shards, batch %d "
                "(%d images on worker 0)",
                r->n_servers, r->n_servers == 1 ? "" : "s", r->n_workers,
                r->n_workers == 1 ? "" : "s", r->plan->n_shards, r->plan->batch,
                pt_span_images(&full));
    pt_placement_print(u->placement);
    if (r->n_servers > 1) print_servers(r);
    pt_log_info("steps     %" PRIu64 " (%" PRIu64 " an epoch) in %zu stage%s%s",
                r->plan->total_steps, r->plan->steps_per_epoch, r->plan->n_stages,
                r->plan->n_stages == 1 ? "" : "s",
                pt_run_may_end_early(r) ? ", or fewer (early_stopping)" : "");
    print_traffic(r);
    pt_log_info("memory    %.0f MB per worker, %.0f MB per server (including %.0f MB "
                "optimizer state, %.0f MB sums); %.0f MB available",
                (double)u->worker_bytes * mb, (double)u->server_bytes * mb, state * mb,
                ((double)u->server_bytes - owned - state) * mb,
                (double)u->memory_bytes * mb);
    pt_log_info("kernels   %s", pt_kernels_describe(pt_worker_kernels(c)));
}
