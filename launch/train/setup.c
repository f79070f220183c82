#include "common/weights/weights.h"
#include "launch/train/setup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/run/layout.h"
#include "common/run/method.h"
#include "common/run/run_check.h"
#include "launch/support/agree.h"
#include "launch/support/class_names.h"
#include "launch/support/probe.h"
#include "launch/support/share_memory.h"
#include "launch/train/files.h"
#include "launch/train/network.h"
#include "launch/train/start_weights.h"
#include "launch/train/test_split.h"
#include "server/serve.h"
#include "worker/step.h"

void pt_setup_destroy(pt_setup **s)
{
    if (!s || !*s) return;
    pt_run_destroy(&(*s)->run);
    pt_dataset_destroy(&(*s)->data);
    pt_dataset_destroy(&(*s)->source);
    pt_held_out_fini(&(*s)->validation);
    pt_rates_fini(&(*s)->rates);
    pt_placement_destroy(&(*s)->placement);
    pt_network_fini(&(*s)->network);
    free(*s);
    *s = NULL;
}

/* Rank 0 reads the configuration; the others get it packed. */
static pt_status share_config(const pt_train_args *args, pt_config **out)
{
    pt_config *c = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    pt_status s = PT_OK;

    *out = NULL;
    if (pt_job_rank() == 0) {
        s = pt_config_load(args->file, args->sets.list, args->sets.n, &c);
        if (s == PT_OK) s = pt_config_check_train(c);
        if (s == PT_OK) s = pt_config_pack(c, &bytes, &n);
    }
    s = pt_job_agree(s);
    if (s == PT_OK) s = pt_job_broadcast(0, (void **)&bytes, &n);
    if (s == PT_OK && pt_job_rank() != 0) s = pt_config_unpack(bytes, n, &c);
    s = s == PT_OK ? pt_job_agree(s) : s;
    free(bytes);
    if (s == PT_OK)
        *out = c;
    else
        pt_config_destroy(&c);
    return s;
}

/* A host that cannot take the servers that spread would place there. */
static pt_status check_placement(const pt_config *c, int servers)
{
    const int *host = pt_job_hosts();
    int n = pt_job_size(), here, ranks = 0, first = 0, crowded = -1;

    if (c->server->placement == PT__CONFIG__PLACEMENT__SPREAD)
        crowded = pt_layout_crowded(servers, host, n, &here);
    if (crowded < 0) return PT_OK;
    while (host[first] != crowded) first++;
    for (int r = 0; r < n; r++) ranks += host[r] == crowded;
    return pt_fail(PT_ERR_USAGE,
                   "server.placement: spread puts %d of %d servers on host %s, which has "
                   "%d rank%s: give it more ranks, use fewer servers (server.ranks) or "
                   "server.placement: first",
                   here, servers, pt_job_host_of(first), ranks, ranks == 1 ? "" : "s");
}

/* Ranks against servers, workers and shards. */
static pt_status check_ranks(const pt_config *c, int servers)
{
    int workers = pt_job_size() - servers;
    char advice[96];

    pt_layout_advise(workers, (int)c->shards, advice, sizeof advice);
    if (workers < 1)
        return pt_fail(PT_ERR_USAGE,
                       "too few ranks: %d; a run needs %d server%s and at least 1 worker "
                       "(mpirun -n %d ptrain train ...)",
                       pt_job_size(), servers, servers == 1 ? "" : "s", servers + 1);
    if (workers > (int)c->shards)
        return pt_fail(PT_ERR_USAGE, "%d workers for %u virtual shard%s: %s", workers,
                       c->shards, c->shards == 1 ? "" : "s", advice);
    return check_placement(c, servers);
}

/* How many servers, and every rank's place: the job's ranks are numbered anew, and bound
 * to cores before they touch memory. Collective. */
static pt_status arrange(pt_setup *u, const pt_config *c)
{
    int n = pt_job_size(), *order = pt_calloc((size_t)n, sizeof *order);
    pt_status s = PT_OK;

    u->n_servers = pt_layout_servers(c->server, pt_job_hosts(), n);
    s = pt_job_agree(check_ranks(c, u->n_servers));
    if (s == PT_OK) {
        if (!order) s = pt_fail(PT_ERR_NOMEM, "no memory for the order of %d ranks", n);
        if (s == PT_OK)
            s = pt_layout_order(c->server->placement, u->n_servers, pt_job_hosts(), n,
                                order);
        s = pt_job_agree(s);
    }
    if (s == PT_OK) s = pt_job_reorder(order);
    free(order);
    if (s != PT_OK) return s;
    return pt_placement_create((int)c->engine->threads, u->n_servers, &u->placement);
}

static pt_preprocess preprocess_of(const pt_config *c, const pt_weights_info *info)
{
    const Pt__Config__Preprocess *p = c->data->preprocess;
    pt_preprocess out = info->has_preprocess ? info->preprocess : pt_preprocess_imagenet;

    if (p->has_order) out.bgr = p->order == PT__CONFIG__COLOUR_ORDER__BGR;
    if (p->has_scale) out.scale = p->scale;
    for (size_t i = 0; i < 3 && p->n_mean == 3; i++) out.mean[i] = p->mean[i];
    for (size_t i = 0; i < 3 && p->n_std == 3; i++) out.std[i] = p->std[i];
    return out;
}

/* Start weights on rank 0, then everywhere. The file's preprocessing, if known, overrides
 * the default, and the configuration overrides both. */
static pt_status share_weights(pt_setup *u)
{
    pt_run *r = u->run;
    const Pt__Config__Network *n = &u->network.files;
    pt_status s = PT_OK;
    size_t bytes = r->graph->n_floats * sizeof *r->flat;
    char digest[16];

    if (pt_job_rank() == 0) {
        pt_graph_init(r->graph, r->config->seed, n->head_std, false, r->flat);
        if (n->weights)
            s = pt_start_weights_load(n, &u->network.options, r->graph, !u->source,
                                      r->flat, &u->weights);
        if (s == PT_OK && n->weights && n->keep_head)
            s = pt_class_names_check(n->weights, u->weights.format, r->graph->n_classes,
                                     r->config->data->path, u->data);
        if (s == PT_OK) s = pt_graph_hash(r->graph, r->flat, u->start_hash);
        if (s == PT_OK) u->preprocess = preprocess_of(r->config, &u->weights);
        if (s == PT_OK) pt_start_weights_warn(n, &u->weights, &u->preprocess);
    }
    s = pt_job_agree(s);
    if (s == PT_OK) s = pt_job_broadcast_into(0, &u->preprocess, sizeof u->preprocess);
    if (s == PT_OK) s = pt_job_broadcast_into(0, r->flat, bytes);
    if (s != PT_OK) return s;
    pt_run_keep_start(r);
    snprintf(digest, sizeof digest, "%08x", pt_crc32c(0, r->flat, bytes));
    return pt_agree_on("start weights", digest);
}

static uint64_t available_bytes(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    uint64_t kb = 0;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1) break;
    if (f) fclose(f);
    return kb * 1024;
}

static pt_status check_memory(pt_setup *u)
{
    const pt_run *r = u->run;
    int threads = pt_placement_threads(u->placement);
    uint64_t here, mine;
    pt_status s;

    for (int k = 0; k < r->n_servers; k++) {
        uint64_t bytes = pt_server_bytes(r, k) + pt_run_bytes(r);

        if (bytes > u->server_bytes) u->server_bytes = bytes;
    }
    u->worker_bytes = pt_worker_bytes(r, 0, threads) + pt_run_bytes(r);
    u->memory_bytes = available_bytes();
    mine = pt_job_rank() < r->n_servers ? u->server_bytes : u->worker_bytes;
    s = pt_job_sum_on_host(mine, &here);
    if (s == PT_OK && u->memory_bytes > 0 && here > u->memory_bytes)
        s = pt_fail(
            PT_ERR_USAGE,
            "not enough memory on %s: %d ranks need %.1f GB (server %.1f, worker %.1f), "
            "%.1f GB are available; use fewer ranks per host or a smaller batch",
            pt_job_host(), pt_job_local_size(), (double)here / 1e9,
            (double)u->server_bytes / 1e9, (double)u->worker_bytes / 1e9,
            (double)u->memory_bytes / 1e9);
    return pt_job_agree(s);
}

/* The images of the second data set, which follow the first's. */
static pt_status add_source(const pt_setup *u, const pt_config *c, pt_plan *plan)
{
    size_t n = 0, before = pt_dataset_images(u->data) - pt_dataset_images(u->source);
    const pt_pairs *pairs = pt_dataset_pairs(u->source);
    uint32_t *images = NULL;
    pt_status s;

    if (c->source->draw == PT__CONFIG__SOURCE_DRAW__NEIGHBOURS) {
        if (!pairs || strcmp(pairs->of, pt_dataset_checksum(u->data)) != 0)
            return pt_fail(PT_ERR_DATA,
                           "%s: holds no neighbours of the images of %s (source.draw; "
                           "`ptrain borrow` writes them)",
                           c->source->path, c->data->path);
        return pt_plan_add_pairs(plan, pairs, (uint32_t)before);
    }
    s = pt_plan_select(c->source->train_split, c->source->per_class, NULL, u->source,
                       &images, &n);
    for (size_t i = 0; i < n; i++) images[i] += (uint32_t)before;
    return s == PT_OK ? pt_plan_add_source(plan, images, n) : s;
}

/* Every server has something to do; the run knows each rank's host. */
static pt_status finish_layout(pt_run *r)
{
    size_t n = (size_t)pt_job_size();

    if (r->n_servers > r->keys->n)
        return pt_fail(
            PT_ERR_USAGE,
            "%d servers for a network whose parameters are %d keys: use at most "
            "%d servers (server.ranks)",
            r->n_servers, r->keys->n, r->keys->n);
    r->host = pt_calloc(n, sizeof *r->host);
    if (!r->host) return pt_fail(PT_ERR_NOMEM, "no memory for the hosts of %zu ranks", n);
    memcpy(r->host, pt_job_hosts(), n * sizeof *r->host);
    return PT_OK;
}

/* The labels of the plan's images, for data.sampling. */
static pt_status add_labels(const pt_setup *u, const pt_config *c, pt_plan *plan)
{
    int32_t *labels = pt_calloc(plan->n_images, sizeof *labels);
    pt_status s;

    if (!labels) return pt_fail(PT_ERR_NOMEM, "no memory for %zu labels", plan->n_images);
    for (size_t i = 0; i < plan->n_images; i++)
        labels[i] = pt_dataset_label(u->data, plan->images[i]);
    s = pt_plan_add_labels(plan, c, labels, pt_dataset_classes(u->data));
    free(labels);
    return s;
}

static pt_status make_run(pt_setup *u, pt_config **config)
{
    pt_config *c = *config;
    pt_graph *graph = NULL;
    pt_plan *plan = NULL;
    uint32_t *images = NULL;
    size_t n_images = 0;
    pt_status s = pt_network_make(&u->network, &graph);

    if (s == PT_OK)
        s = pt_plan_select(c->data->train_split, c->data->per_class, &u->validation,
                           u->data, &images, &n_images);
    if (s == PT_OK) s = pt_plan_create(c, images, n_images, &plan);
    if (s == PT_OK) s = add_labels(u, c, plan);
    if (s == PT_OK && u->source) s = add_source(u, c, plan);
    if (s == PT_OK) {
        *config = NULL; /* the run takes it */
        s = pt_run_create(c, graph, plan, u->n_servers, pt_job_size() - u->n_servers,
                          &u->run);
        return s == PT_OK ? finish_layout(u->run) : s;
    }
    pt_graph_destroy(&graph);
    pt_plan_destroy(&plan);
    return s;
}

static void fill_labels(pt_setup *u)
{
    pt_run *r = u->run;

    for (size_t i = 0; i < r->plan->n_images && r->given.labels; i++)
        r->given.labels[i] = pt_dataset_label(u->data, r->plan->images[i]);
}

static pt_status read_file(const pt_run_method *m, const pt_run *r, const char *path)
{
    pt_status s = pt_files_can_open(m->key, path, m->help);

    if (s == PT_OK) s = pt_probe_method_file(m->what, path);
    return s == PT_OK ? m->read(path, r) : s;
}

/* Files of methods: rank 0 reads them, all get their values. Collective. */
static pt_status share_files(const pt_run *r)
{
    pt_status s = PT_OK;

    for (int i = 0; i < PT_N_METHODS && s == PT_OK; i++) {
        const pt_run_method *m = pt_run_methods[i];
        size_t n;
        float *values;

        if (!m || !pt_methods[i].is_on(r->config) || !m->path(r->config)) continue;
        if (pt_job_rank() == 0) s = read_file(m, r, m->path(r->config));
        s = pt_job_agree(s);
        values = m->values(r, &n);
        if (s == PT_OK) s = pt_job_broadcast_into(0, values, n * sizeof *values);
    }
    return s;
}

/* Which split that is, the configuration says from then on. */
static pt_status find_test(pt_setup *u, Pt__Config__Data *d)
{
    const Pt__Config__Data untold = PT__CONFIG__DATA__INIT;
    const char *split = NULL;
    pt_status s = pt_test_split_find(u->data, d, &split);

    if (s != PT_OK || !split) return s;
    if (strcmp(split, d->test_split) != 0) {
        char *name = strdup(split);

        if (!name) return pt_fail(PT_ERR_NOMEM, "no memory for data.test_split");
        if (d->test_split != untold.test_split) free(d->test_split);
        d->test_split = name;
    }
    return pt_dataset_split(u->data, d->test_split, &u->test, &u->n_test);
}

static pt_status open_data(pt_setup *u, pt_config *c)
{
    pt_status s = pt_files_open_data("data.path", c->data->path, &u->data);

    if (s == PT_OK) s = find_test(u, c->data);
    if (s == PT_OK) s = pt_held_out_init(c->data, u->data, &u->validation);
    if (s == PT_OK) s = pt_test_split_check(c, u->n_test > 0);
    if (s != PT_OK || !(pt_methods_ask(c) & PT_ASKS_SOURCE)) return s;
    s = pt_files_open_data("source.path", c->source->path, &u->source);
    if (s == PT_OK) pt_dataset_append(u->data, u->source);
    return s;
}

/* All ranks hold the same data. */
static pt_status agree_on_data(const pt_setup *u, const pt_config *c)
{
    pt_status s = pt_agree_on_data("data set", c->data->path, u->data);

    if (s != PT_OK || !u->source) return s;
    return pt_agree_on_data("source data set", c->source->path, u->source);
}

static void warn_of_doubts(const pt_setup *u)
{
    char line[256];

    if (pt_job_rank() != 0) return;
    for (int k = 0; pt_run_doubt(u->run, k, line, sizeof line); k++)
        pt_log_warn("%s", line);
    if (u->n_test == 0) pt_test_split_warn(u->run->config->data->path);
}

pt_status pt_setup_create(const pt_train_args *args, pt_setup **out)
{
    pt_setup *u = pt_calloc(1, sizeof *u);
    pt_config *c = NULL;
    pt_status s;

    *out = NULL;
    s = pt_job_agree(u ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the set-up"));
    if (s == PT_OK) u->started = pt_date();
    if (s == PT_OK) s = share_config(args, &c);
    if (s == PT_OK) s = arrange(u, c);
    if (s == PT_OK) s = pt_job_agree(open_data(u, c));
    if (s == PT_OK) s = agree_on_data(u, c);
    if (s == PT_OK)
        s = pt_network_share(c, pt_dataset_classes(u->data),
                             u->source ? pt_dataset_classes(u->source) : 0, &u->network);
    if (s == PT_OK) s = pt_job_agree(make_run(u, &c));
    if (s == PT_OK) s = pt_job_agree(pt_run_check(u->run));
    if (s == PT_OK) warn_of_doubts(u);
    if (s == PT_OK) fill_labels(u);
    if (s == PT_OK) s = share_files(u->run);
    if (s == PT_OK) s = share_weights(u);
    if (s == PT_OK) s = pt_share_memory(u->run);
    if (s == PT_OK) s = check_memory(u);
    pt_config_destroy(&c);
    if (s == PT_OK) {
        *out = u;
        u = NULL;
    }
    pt_setup_destroy(&u);
    return s;
}
